import * as z from 'zod';
import { outputSchema } from './attempt.ts';
import { queueNames } from './init.ts';
import type { Queue } from './queue.ts';
import type { QueuedRun } from './runs.ts';
import { JOBS_SCHEMA } from './tables.ts';

/** How far a run is. Each user is in exactly one of `waiting`, `atWork`, `done`, `dead` and `cancelled`. */
export interface RunStatus {
  users: number;
  waiting: number;
  /** Of those that wait: they failed in a way that may pass. */
  retrying: number;
  atWork: number;
  done: number;
  dead: number;
  cancelled: number;
  /** How often users had to be tried again so far. */
  retries: number;
  /** Certificates, by what was done to them. */
  certificates: { added: number; removed: number; unchanged: number };
  /** Users that were done in the last minute. */
  lastMinute: number;
  /** The same a second, over less than a minute where the first of them was begun later. */
  perSecond: number;
  /** Null while nothing was done lately. */
  secondsLeft: number | null;
  /** How long the user has waited who was put into the queue first; null when nobody waits. */
  oldestWaitingSeconds: number | null;
  /** Of those that failed, by code, the most frequent first. */
  errors: { code: string; users: number }[];
}

interface Counts {
  waiting: number;
  retrying: number;
  at_work: number;
  done: number;
  cancelled: number;
  retries: number;
  last_minute: number;
  /** The part of the last minute in which users were done. */
  seconds: number | null;
  oldest: number | null;
}

export async function runStatus(queue: Queue, run: QueuedRun): Promise<RunStatus> {
  const { query } = queue;
  const { jobs, dead } = queueNames(run.domain);
  const [counts] = await query<Counts>(
    `SELECT
       count(*) FILTER (WHERE state < 'active')::int AS waiting,
       count(*) FILTER (WHERE state = 'retry')::int AS retrying,
       count(*) FILTER (WHERE state = 'active')::int AS at_work,
       count(*) FILTER (WHERE state = 'completed')::int AS done,
       count(*) FILTER (WHERE state = 'cancelled')::int AS cancelled,
       coalesce(sum(retry_count), 0)::int AS retries,
       count(*) FILTER (WHERE state = 'completed' AND completed_on > now() - interval '1 minute')::int AS last_minute,
       extract(epoch FROM now() - greatest(now() - interval '1 minute',
         min(started_on) FILTER (WHERE state = 'completed')))::float AS seconds,
       extract(epoch FROM now() - min(created_on) FILTER (WHERE state < 'active'))::float AS oldest
     FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND data ->> 'run' = $2`,
    [jobs, run.id],
  );
  const actions = await query<{ action: string; count: number }>(
    `SELECT item ->> 'action' AS action, count(*)::int AS count
     FROM ${JOBS_SCHEMA}.job, jsonb_array_elements(output -> 'items') AS item
     WHERE name = $1 AND data ->> 'run' = $2 AND state = 'completed' GROUP BY 1`,
    [jobs, run.id],
  );
  const errors = await query<{ code: string; users: number }>(
    `SELECT coalesce(source_output -> 'error' ->> 'code', 'internal') AS code, count(*)::int AS users
     FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND data ->> 'run' = $2 AND state < 'active' GROUP BY 1 ORDER BY 2 DESC, 1`,
    [dead, run.id],
  );
  const of = (name: string) => actions.find(({ action }) => action === name)?.count ?? 0;
  const { waiting, retrying, at_work: atWork, done, cancelled, retries } = counts ?? NONE;
  const { last_minute: lastMinute, seconds, oldest } = counts ?? NONE;
  const perSecond = lastMinute / Math.max(1, seconds ?? 0);
  const isDead = errors.reduce((sum, { users }) => sum + users, 0);
  return {
    users: waiting + atWork + done + cancelled + isDead,
    waiting,
    retrying,
    atWork,
    done,
    dead: isDead,
    cancelled,
    retries,
    certificates: {
      added: of('added') + of('replaced'),
      removed: of('removed') + of('replaced'),
      unchanged: of('unchanged'),
    },
    lastMinute,
    perSecond,
    secondsLeft: perSecond === 0 ? null : Math.ceil((waiting + atWork) / perSecond),
    oldestWaitingSeconds: oldest,
    errors,
  };
}

const NONE: Counts = {
  waiting: 0,
  retrying: 0,
  at_work: 0,
  done: 0,
  cancelled: 0,
  retries: 0,
  last_minute: 0,
  seconds: null,
  oldest: null,
};

/** Nothing of the run waits or is at work. */
export function isOver({ waiting, atWork }: RunStatus): boolean {
  return waiting + atWork === 0;
}

export interface LiveWorker {
  name: string;
  host: string;
  pid: number;
  /** Jobs in hand when it last showed life. */
  atWork: number;
  since: Date;
  lastSeen: Date;
}

/** The workers of a domain that have shown life in the last few seconds. */
export async function liveWorkers({ ask }: Queue, domain: string): Promise<LiveWorker[]> {
  const instances = await ask((boss) => boss.getInstances());
  return instances.flatMap(({ live, name, host, pid, workers, startedOn, heartbeatOn }) => {
    const lanes = workers.filter(({ queue }) => queue === domain);
    if (!live || lanes.length === 0) return [];
    const atWork = lanes.reduce((sum, { active }) => sum + active, 0);
    return [{ name: name ?? host, host, pid, atWork, since: startedOn, lastSeen: heartbeatOn }];
  });
}

/** A job that failed for good. */
export interface DeadJob {
  id: string;
  run: string;
  account: string;
  dn: string;
  error: { code: string; message: string };
  worker: string | null;
  attempts: number;
  at: Date;
}

interface DeadRow {
  id: string;
  run: string | null;
  account: string | null;
  dn: string | null;
  output: unknown;
  tries: number | null;
  created_on: Date;
}

/** In the order in which they failed. */
export async function deadJobs(
  { query }: Queue,
  domain: string,
  run: string | null,
  limit: number,
): Promise<DeadJob[]> {
  const rows = await query<DeadRow>(
    `SELECT id, data ->> 'run' AS run, data -> 'user' ->> 'account' AS account, data -> 'user' ->> 'dn' AS dn,
       source_output AS output, source_retry_count AS tries, created_on
     FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND state < 'active' AND ($2::text IS NULL OR data ->> 'run' = $2)
     ORDER BY created_on, id LIMIT $3`,
    [queueNames(domain).dead, run, limit],
  );
  return rows.map(({ id, run: of, account, dn, output, tries, created_on: at }) => {
    const known = outputSchema.safeParse(output);
    const error = known.success && known.data.error !== null ? known.data.error : lostWorker(output);
    const attempts = known.success ? known.data.attempts : (tries ?? 0) + 1;
    // of a job that nobody could read
    const unread = '?';
    return {
      id,
      run: of ?? unread,
      account: account ?? unread,
      dn: dn ?? unread,
      error,
      worker: known.success ? known.data.worker : null,
      attempts,
      at,
    };
  });
}

/** What pg-boss notes itself when a worker was lost with the job, each time. */
function lostWorker(output: unknown): { code: string; message: string } {
  const noted = z
    .object({ value: z.object({ message: z.string() }) })
    .or(z.object({ message: z.string() }))
    .safeParse(output);
  const message = noted.success ? ('value' in noted.data ? noted.data.value.message : noted.data.message) : 'unknown';
  return { code: 'internal', message: `each worker that had the job was lost: ${message}` };
}
