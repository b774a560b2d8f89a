import { setTimeout as pause } from 'node:timers/promises';
import type { JobResult } from 'pg-boss';
import * as z from 'zod';
import type { MsmqCertError } from '../errors.ts';
import { queueNames, requireQueue } from './init.ts';
import type { Queue } from './queue.ts';
import { JOBS_SCHEMA } from './tables.ts';

/** A job that this worker has got, and nobody else has. */
export interface Claim {
  id: string;
  /** Tells this attempt from those before and after it. */
  retryCount: number;
  data: unknown;
  /** What the last attempt left behind. */
  lastOutput: unknown;
  /** Aborted when the job was given to somebody else. */
  signal: AbortSignal;
}

/**
 * `later`: it is tried again by any worker. `not-ours`: it waits for a newer one. `dead`: it is not tried again until
 * somebody looks at it.
 */
export interface Settled {
  kind: 'done' | 'later' | 'not-ours' | 'dead';
  output: object;
}

export interface WorkOptions {
  domain: string;
  /** Jobs at once. */
  concurrency: number;
  /** Nothing new is begun once it is aborted. */
  stop: AbortSignal;
  /** Ends when nothing is waiting or at work any more but what is not for this worker. */
  untilEmpty: boolean;
  /** Told when the database cannot be reached, and that it can be again. */
  onTrouble(error: MsmqCertError): void;
}

const POLL_S = 0.5;
const LOOK_MS = 500;

/**
 * Works on the jobs of a domain until it is stopped. Jobs that are under way are finished before it returns.
 * @throws MsmqCertError usage when the domain has no queue
 */
export async function workOn(
  queue: Queue,
  { domain, concurrency, stop, untilEmpty, onTrouble }: WorkOptions,
  handle: (claim: Claim) => Promise<Settled>,
): Promise<void> {
  await requireQueue(queue, domain);
  const { boss } = queue;
  const { jobs } = queueNames(domain);
  queue.onTrouble(onTrouble);
  const notOurs = new Set<string>();
  for (let lane = 0; lane < concurrency; lane++) {
    const laneId: string = await boss.work(
      jobs,
      { perJobResults: true, includeMetadata: true, pollingIntervalSeconds: POLL_S },
      async (claimed): Promise<JobResult[]> => {
        const results: JobResult[] = [];
        for (const job of claimed) {
          const { id, retryCount, data, output: lastOutput, signal } = job;
          const { kind, output } = await handle({ id, retryCount, data, lastOutput, signal });
          if (kind === 'not-ours') {
            notOurs.add(id);
            await keepForOthers(queue, jobs, id);
          }
          results.push({ id, status: statusOf[kind], output });
        }
        // there may be more: the next one is asked for at once
        boss.notifyWorker(laneId);
        return results;
      },
    );
  }
  await (untilEmpty ? untilNothingIsLeft(queue, jobs, notOurs, stop) : aborted(stop));
  await boss.offWork(jobs, { wait: true });
}

const statusOf = { done: 'completed', later: 'failed', 'not-ours': 'failed', dead: 'deadletter' } as const;

const NOT_OURS_S = 60;

/** However often it is looked at, it does not run out of tries. */
async function keepForOthers({ query }: Queue, jobs: string, id: string): Promise<void> {
  await query(
    `UPDATE ${JOBS_SCHEMA}.job SET retry_limit = retry_count + 100, retry_delay = ${NOT_OURS_S}, retry_backoff = false
     WHERE name = $1 AND id = $2 AND state = 'active'`,
    [jobs, id],
  );
}

const touched = z.object({ affected: z.number() });

/** Whether the job still is this worker's, right now; it stays so for a while. */
export async function stillHeld(queue: Queue, domain: string, { id, retryCount }: Claim): Promise<boolean> {
  const answer = await queue.ask((boss) => boss.touch(queueNames(domain).jobs, { id, retryCount }));
  return touched.parse(answer).affected === 1;
}

async function untilNothingIsLeft(
  { query }: Queue,
  jobs: string,
  notOurs: ReadonlySet<string>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const left = await query<{ left: boolean }>(
      `SELECT EXISTS (
         SELECT FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND state < 'completed' AND id <> ALL ($2::uuid[])) AS left`,
      [jobs, [...notOurs]],
    ).catch(() => [{ left: true }]);
    if (left[0]?.left === false) return;
    await pause(LOOK_MS, undefined, { signal: stop }).catch(() => {});
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
