import * as z from 'zod';
import type { ErrorCode, MsmqCertError } from '../errors.ts';
import type { UserResult } from '../plan/results.ts';
import { FAILS_FOR_ALL } from '../run/run.ts';
import type { Settled } from './work.ts';

/** Tries after which a job that fails in a way that may pass is given up. */
const MAX_ATTEMPTS = 5;

/** What fails here and now, and may not a minute later or on another machine. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'conflict',
  'outcome-unknown',
  'torn-pair',
  'directory-error',
  'directory-limit',
  'referral',
  'key-sink-failed',
  'file-locked',
  'file-unwritable',
  'database-error',
]);

/** What is no fault of the job, which has lost nothing by it, and passes while the worker waits for its next one. */
const OUTAGE: ReadonlySet<ErrorCode> = new Set(['claim-lost', 'database-unreachable']);

/** What fails for every job of this worker: it stops, and the job has lost nothing by it. */
const STOPS_WORKER: ReadonlySet<ErrorCode> = new Set([
  ...FAILS_FOR_ALL,
  'clock-wrong',
  'database-refused',
  'database-schema',
  'insecure-file-system',
  'untrusted-path',
]);

/** What a job holds of its last try. It has no secret and no path of a key but the file names that the worker chose. */
export const outputSchema = z.object({
  worker: z.string(),
  outcome: z.enum(['changed', 'unchanged', 'failed', 'stopped']),
  items: z.array(
    z.object({
      machine: z.string().nullable(),
      action: z.string(),
      digest: z.string().nullable(),
      file: z.string().nullable(),
    }),
  ),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** Tries that have failed so far. */
  attempts: z.int().nonnegative(),
});

export type Output = z.infer<typeof outputSchema>;

/** The end of one try. */
export type Attempt =
  | { kind: 'result'; result: UserResult }
  | { kind: 'refused'; error: MsmqCertError }
  /** The worker was stopped, or the job was given to somebody else. */
  | { kind: 'stopped' };

/**
 * What becomes of a job after a try, and why the worker stops, if it does.
 * @param broken what is wrong with this worker, whatever the job is
 */
export function settle(
  attempt: Attempt,
  lastOutput: unknown,
  worker: string,
  broken: MsmqCertError | null = null,
): { settled: Settled; stop: MsmqCertError | null } {
  const last = outputSchema.safeParse(lastOutput);
  const attempts = last.success ? last.data.attempts : 0;
  if (attempt.kind === 'stopped') {
    const output: Output = { worker, outcome: 'stopped', items: [], error: null, attempts };
    return { settled: { kind: 'later', output }, stop: null };
  }
  const error = errorOf(attempt);
  const facts = attempt.kind === 'refused' ? { outcome: 'failed' as const, items: [] } : factsOf(attempt.result);
  const told = error === null ? null : { code: error.code, message: error.message };
  const after = (tries: number): Output => ({ worker, ...facts, error: told, attempts: tries });
  if (error === null) return { settled: { kind: 'done', output: after(attempts) }, stop: null };
  if (OUTAGE.has(error.code)) return { settled: { kind: 'later', output: after(attempts) }, stop: null };
  if (error.code === 'job-too-new') return { settled: { kind: 'not-ours', output: after(attempts) }, stop: null };
  const stop = broken ?? (STOPS_WORKER.has(error.code) ? error : null);
  if (stop !== null) return { settled: { kind: 'later', output: after(attempts) }, stop };
  const isWorthATry = PASSING.has(error.code) && attempts + 1 < MAX_ATTEMPTS;
  return { settled: { kind: isWorthATry ? 'later' : 'dead', output: after(attempts + 1) }, stop: null };
}

/** Why a try failed; null when it did not. */
export function errorOf(attempt: Attempt): MsmqCertError | null {
  return errorsOf(attempt)[0] ?? null;
}

/** All that failed in a try. */
export function errorsOf(attempt: Attempt): MsmqCertError[] {
  if (attempt.kind === 'refused') return [attempt.error];
  return attempt.kind === 'stopped' ? [] : attempt.result.items.flatMap(({ error }) => error ?? []);
}

function factsOf({ outcome, items }: UserResult): Pick<Output, 'outcome' | 'items'> {
  return {
    outcome: outcome === 'pending' ? 'unchanged' : outcome,
    items: items
      .filter(({ action }) => action !== 'failed')
      .map(({ machine, action, digest, files }) => ({
        machine,
        action,
        digest,
        file: files?.pfx ?? files?.certificate ?? null,
      })),
  };
}
