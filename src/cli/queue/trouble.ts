import type { ErrorCode, MsmqCertError } from '../../errors.ts';
import { type Attempt, errorsOf } from '../../queue/attempt.ts';
import { tellError } from '../output.ts';

/** What waiting does not mend: a worker that met it would meet it for ever. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(['database-refused', 'database-schema']);
const AGAIN_MS = 60_000;

/**
 * Tells what keeps a worker from its work: an outage when it begins and every minute, as each connection meets it, and
 * jobs of a newer form once. What does not pass ends the worker instead.
 */
export function troubleTeller(end: (error: MsmqCertError) => void): (error: MsmqCertError) => void {
  const told = new Map<string, number>();
  return (error) => {
    if (FOR_GOOD.has(error.code)) return end(error);
    const what = error.code === 'database-unreachable' ? error.code : error.message;
    const again = error.code === 'job-too-new' ? Number.POSITIVE_INFINITY : AGAIN_MS;
    const now = performance.now();
    if (now - (told.get(what) ?? Number.NEGATIVE_INFINITY) < again) return;
    told.set(what, now);
    tellError(error);
  };
}

/** What a job failed by that it has nothing to do with, or null. */
export function troubleIn(attempt: Attempt): MsmqCertError | null {
  return errorsOf(attempt).find(({ code }) => code === 'database-unreachable' || code === 'job-too-new') ?? null;
}
