import { createInterface } from 'node:readline';
import { askFor, isTerminal, tell } from '../terminal.ts';

/** Whether somebody sits there who could answer. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && isTerminal.errors;
}

/**
 * Asks for a yes; everything else is a no, also the end of the input.
 * @throws the reason of `stop` when it is aborted before there is an answer
 */
export async function isConfirmed(question: string, stop: AbortSignal): Promise<boolean> {
  stop.throwIfAborted();
  askFor(`${question} (y/N) `);
  const lines = createInterface({ input: process.stdin, terminal: false });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onAbort = () => {
    tell('');
    reject(stop.reason);
  };
  lines.once('line', resolve).once('close', () => {
    tell('');
    resolve('');
  });
  stop.addEventListener('abort', onAbort, { once: true });
  try {
    const answer = await promise;
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    stop.removeEventListener('abort', onAbort);
    lines.removeAllListeners('close').close();
  }
}
