import { onBrokenErrors, onBrokenOutput, tell } from './terminal.ts';

let goesOn = false;
let isLost = false;

/** Ends a command quietly once nobody reads its results, unless it is one that {@link goOnUnread}. */
export function watchPipes(): void {
  onBrokenOutput((error) => {
    const isClosed = error.code === 'EPIPE';
    if (goesOn && !isClosed) noteLoss(error);
    if (!goesOn) process.exit(isClosed ? undefined : 1);
  });
  // there is nobody left to be told
  onBrokenErrors(() => {});
}

/** What this command does counts, not what it says: it goes on to its end when nobody reads its results any more. */
export function goOnUnread(): void {
  goesOn = true;
}

/** A closed pipe was the reader's choice; a full disk was nobody's, and a script must not take the rest for all. */
function noteLoss(error: NodeJS.ErrnoException): void {
  if (isLost) return;
  isLost = true;
  tell(`the results cannot be written to standard output: ${error.code ?? error.message}; the run goes on`);
  process.once('exit', (code) => {
    if (code === 0) process.exitCode = 1;
  });
}
