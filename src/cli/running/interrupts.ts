import { MsmqCertError } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';

export interface Interrupts {
  /** Aborted by the first SIGINT or SIGTERM: what is under way is finished, nothing new is begun. */
  signal: AbortSignal;
  release(): void;
}

const codes = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated };

type StopSignal = keyof typeof codes;

let stopRun: ((signal: StopSignal) => void) | null = null;

/** A command that is no run ends at once, also as the first process of a container, which no signal ends by itself. */
export function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
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
