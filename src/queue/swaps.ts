import type * as z from 'zod';
import { pairKey } from '../blob/pair.ts';
import { areRegistered } from '../blob/registered.ts';
import { userKey } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { RecordOf } from '../journal/records.ts';
import { recordSchema } from '../journal/records.ts';
import type { UserHistory } from '../journal/users.ts';
import { intentRecord, type Journal, outcomeRecord } from '../journal/write.ts';
import type { Criteria, UserState } from '../judge/state.ts';
import type { Planner } from '../plan/plan.ts';
import { planPair } from '../plan/plan-pair.ts';
import { addedName } from '../run/recover.ts';
import type { Queue } from './queue.ts';
import { OWN_SCHEMA } from './tables.ts';

type Swaps = UserHistory['swaps'];

/**
 * The same journal, kept in the database too: before each write, so that whoever gets the job of a worker that was killed
 * or stood still sees what it may have written.
 */
export function sharedJournal(
  journal: Journal & { readonly history: JournalHistory | null },
  { query }: Queue,
  run: string,
  worker: string,
): Journal {
  /** The writes of this process whose outcome is not known yet. */
  const begun = new Map<string, string>();
  return {
    ...journal,
    async intend(...facts) {
      await journal.intend(...facts);
      const user = userKey(facts[1].user);
      const [row] = await query<{ id: string }>(
        `INSERT INTO ${OWN_SCHEMA}.swaps (run, user_key, worker, intent) VALUES ($1, $2, $3, $4) RETURNING id`,
        [run, user, worker, JSON.stringify(intentRecord(...facts))],
      );
      if (row !== undefined) begun.set(user, row.id);
    },
    async conclude(...facts) {
      const user = userKey(facts[0]);
      const own = begun.get(user);
      begun.delete(user);
      // a write of another worker, whose outcome the directory has told, has no beginning in this one's journal
      if (own !== undefined || isBegunIn(journal.history, user)) await journal.conclude(...facts);
      await query(
        `UPDATE ${OWN_SCHEMA}.swaps SET outcome = $2 WHERE outcome IS NULL AND id = coalesce($1, (
           SELECT max(id) FROM ${OWN_SCHEMA}.swaps WHERE run = $3 AND user_key = $4))`,
        [own ?? null, JSON.stringify(outcomeRecord(...facts)), run, user],
      );
    },
  };
}

/** An earlier process with the same journal was about to write, and nobody knew what became of it. */
function isBegunIn(history: JournalHistory | null, user: string): boolean {
  return history?.of(user)?.swaps.at(-1)?.outcome === null;
}

/** What all workers have written to a user in a run, or were about to, in order. */
export async function swapsOf({ query }: Queue, run: string, user: string): Promise<Swaps> {
  const rows = await query<{ intent: unknown; outcome: unknown }>(
    `SELECT intent, outcome FROM ${OWN_SCHEMA}.swaps WHERE run = $1 AND user_key = $2 ORDER BY id`,
    [run, user],
  );
  return rows.map(({ intent, outcome }) => ({
    intent: recordFrom(intent, 'intent', run),
    outcome: outcome === null ? null : recordFrom(outcome, 'outcome', run),
  }));
}

/** @throws MsmqCertError job-refused */
function recordFrom<T extends 'intent' | 'outcome'>(data: unknown, type: T, run: string): RecordOf<T> {
  const parsed = recordSchema.safeParse(data);
  if (parsed.success && isOf(parsed.data, type)) return parsed.data;
  throw new MsmqCertError(
    'job-refused',
    `what the queue holds of the writes of the run ${run} is not what a worker wrote`,
    {
      hint: 'nothing was changed; find out who else may write to the queue',
    },
  );
}

function isOf<T extends 'intent' | 'outcome'>(record: z.infer<typeof recordSchema>, type: T): record is RecordOf<T> {
  return record.type === type;
}

/**
 * A planner that leaves a user alone to whom another worker has written what was asked for. The job of a worker that
 * stood still is given to another one; its write, already sent, may arrive while that one is at work.
 */
export function unlessDone(planner: Planner, swaps: Swaps, criteria: Criteria): Planner {
  const tried = swaps.filter(({ outcome }) => outcome === null || outcome.outcome === 'swapped');
  return (state) =>
    tried.some(({ intent }) => stands(intent, state)) ? planPair(state, state.pair, criteria, '') : planner(state);
}

function stands({ after, items }: RecordOf<'intent'>, { pair }: UserState): boolean {
  return pairKey(pair) === after || areRegistered(pair, items.flatMap(addedName));
}
