import { MsmqCertError } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';

export interface Interrupts {
  /** Aborted by the first of these signals: what is under way is finished, nothing new is begun. */
  signal: AbortSignal;
  release(): void;
}

const { interrupted, terminated } = exitCodes;
const codes = { SIGINT: interrupted, SIGTERM: terminated, SIGBREAK: interrupted, SIGHUP: interrupted };

type StopSignal = keyof typeof codes;

/**
 * On Windows Ctrl+Break and the end of the window come by the last two, as Node.js documents it. Elsewhere the end of the
 * terminal is left to the system, so that nohup works.
 */
function signalsOf(platform: NodeJS.Platform): readonly StopSignal[] {
  return platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM'];
}

let stopRun: ((signal: StopSignal) => void) | null = null;

/** A command that is no run ends at once, also as the first process of a container, which no signal ends by itself. */
export function endOnSignals(platform = process.platform): void {
  for (const signal of signalsOf(platform)) {
    process.on(signal, () => (stopRun === null ? process.exit(codes[signal]) : stopRun(signal)));
  }
}

/** The first interrupt stops cleanly, the second one at once and with the same exit code. */
export function watchInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController();
  let first: StopSignal | null = null;
  stopRun = (signal) => {
    if (first !== null) process.exit(codes[first]);
    first = signal;
    controller.abort(new MsmqCertError('interrupted', `the run was stopped by ${signal}`, { cause: signal }));
    onFirst();
  };
  return {
    signal: controller.signal,
    release: () => {
      stopRun = null;
    },
  };
}
