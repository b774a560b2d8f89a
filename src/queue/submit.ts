import type { JobInsert } from 'pg-boss';
import type { User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { whoRuns } from '../journal/write.ts';
import type { Wanted } from '../plan/request.ts';
import { queueNames, requireQueue } from './init.ts';
import { JOB_SCHEMA, type Job, jobId, userLock } from './job.ts';
import type { Queue } from './queue.ts';
import { beginRun, endSubmit, type NewRun } from './runs.ts';
import { OWN_SCHEMA } from './tables.ts';

/** Users of one call of the database. */
const BATCH = 2000;

export interface Submitted {
  run: string;
  /** Users in the run, with those that an earlier submit had put in. */
  users: number;
  /** An earlier submit of the same had been cut short. */
  goesOn: boolean;
}

/** What a submit is for: users one after the other, each of which may come twice. */
export type Wishes = AsyncIterable<Wish>;

interface Wish {
  user: Pick<User, 'account' | 'dn' | 'sid' | 'guid'>;
  wanted: readonly Wanted[];
}

/**
 * Puts a job a user into the queue. What was cut short is gone on with by the same call: a job that is there is not put
 * in twice.
 * @throws MsmqCertError run-at-work, usage, and what the database says
 */
export async function submitRun(
  queue: Queue,
  run: Omit<NewRun, 'submittedBy'>,
  wishes: Wishes,
  { isNew, onUsers }: { isNew: boolean; onUsers: (count: number) => void },
): Promise<Submitted> {
  await requireQueue(queue, run.domain);
  const begun = await beginRun(queue, { ...run, submittedBy: whoRuns() }, isNew);
  const { jobs } = queueNames(run.domain);
  let [count, noted] = [0, 0];
  for await (const batch of inBatches(wishes)) {
    await queue.ask((boss) =>
      boss.insert(
        jobs,
        batch.map((wish) => jobFor(begun.id, wish)),
      ),
    );
    count += batch.length;
    onUsers(batch.length);
    if (count < 2 * noted) continue;
    await noteJobs(queue);
    noted = count;
  }
  await noteJobs(queue);
  const users = await endSubmit(queue, { id: begun.id, domain: run.domain });
  return { run: begun.id, users, goesOn: begun.goesOn };
}

/** Workers get the first jobs while the last ones come in. */
async function noteJobs({ query }: Queue): Promise<void> {
  await query(`SELECT ${OWN_SCHEMA}.note_jobs()`);
}

function jobFor(run: string, { user, wanted }: Wish): JobInsert<Job> {
  const { account, dn, sid, guid } = user;
  return {
    id: jobId(run, user),
    data: { schema: JOB_SCHEMA, run, user: { account, dn, sid, guid }, wanted: [...wanted] },
    singletonKey: userLock(user),
  };
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** @throws MsmqCertError usage when a user lies in another domain than the others */
export function requireSameDomain(domain: string, of: string, user: User): void {
  if (domain === of) return;
  throw new MsmqCertError('usage', `${user.account} lies in ${of}, and others of the run in ${domain}`, {
    hint: 'submit a run for each domain',
  });
}
