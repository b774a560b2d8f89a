import { MsmqCertError } from '../../errors.ts';

export interface Interrupts {
  /** Aborted by the first SIGINT or SIGTERM: what is under way is finished, nothing new is begun. */
  signal: AbortSignal;
  release(): void;
}

/** The first interrupt stops cleanly, the second one at once. */
export function watchInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController();
  const handle = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    const hint = 'run the same command again, or msmq-cert resume with the journal; what is done stays done';
    controller.abort(new MsmqCertError('interrupted', `the run was stopped by ${signal}`, { hint }));
    onFirst();
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handle).off('SIGTERM', handle);
    },
  };
}
