import { queueNames } from './init.ts';
import type { Queue } from './queue.ts';
import type { QueuedRun } from './runs.ts';
import { JOBS_SCHEMA, OWN_SCHEMA } from './tables.ts';

/** Jobs of one call of pg-boss. */
const BATCH = 1000;

/**
 * Takes what waits of a run out of the queue; what is at work is finished.
 * @returns users that are left as they were
 */
export async function cancelRun({ ask, query }: Queue, { id, domain }: QueuedRun): Promise<number> {
  const { jobs } = queueNames(domain);
  // no submit of the same goes on with it, and workers take nothing of it up any more
  await query(`UPDATE ${OWN_SCHEMA}.runs SET cancelled_at = coalesce(cancelled_at, now()) WHERE id = $1`, [id]);
  let cancelled = 0;
  for (;;) {
    const rows = await query<{ id: string }>(
      `SELECT id FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND data ->> 'run' = $2 AND state < 'active' LIMIT ${BATCH}`,
      [jobs, id],
    );
    if (rows.length === 0) return cancelled;
    await ask((boss) =>
      boss.cancel(
        jobs,
        rows.map((row) => row.id),
      ),
    );
    cancelled += rows.length;
  }
}

/** Puts dead jobs back into the queue, all of them or those of a run or with these ids. */
export async function retryDead(
  { ask }: Queue,
  domain: string,
  { run, ids }: { run: string | null; ids: readonly string[] | null },
): Promise<number> {
  const { dead } = queueNames(domain);
  const filter = { limit: BATCH, ...(run !== null && { data: { run } }), ...(ids !== null && { ids: [...ids] }) };
  let moved = 0;
  for (;;) {
    const count = await ask((boss) => boss.redrive(dead, filter));
    moved += count;
    if (count < BATCH) return moved;
  }
}

/** Users that a run has written to, or may have, by what a directory finds them by. */
export async function writtenUsers(
  { query }: Queue,
  run: string,
): Promise<{ account: string; dn: string; sid: string | null; guid: string | null }[]> {
  return await query(
    `SELECT DISTINCT ON (user_key) intent -> 'user' ->> 'account' AS account, intent -> 'user' ->> 'dn' AS dn,
       intent -> 'user' ->> 'sid' AS sid, intent -> 'user' ->> 'guid' AS guid
     FROM ${OWN_SCHEMA}.swaps WHERE run = $1 AND (outcome IS NULL OR outcome ->> 'outcome' = 'swapped')
     ORDER BY user_key, id DESC`,
    [run],
  );
}
