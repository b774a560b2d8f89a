import { type Directory, type User, userKey } from '../../directory/directory.ts';
import { isWithin } from '../../directory/names.ts';
import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { count } from '../../plan/results.ts';
import { undoPlanner } from '../../plan/verbs/undo.ts';
import { type Attempt, errorOf, settle } from '../../queue/attempt.ts';
import { queueNames } from '../../queue/init.ts';
import { type Job, readJob } from '../../queue/job.ts';
import type { Queue } from '../../queue/queue.ts';
import { claimLost, gated, type SharedRate } from '../../queue/rate.ts';
import { type QueuedRun, readRun } from '../../queue/runs.ts';
import { swapsOf, unlessDone } from '../../queue/swaps.ts';
import { type Claim, type Settled, stillHeld } from '../../queue/work.ts';
import { patiently } from '../../run/patience.ts';
import { writtenBy } from '../../run/planners.ts';
import { runUser } from '../../run/run.ts';
import { nameOf, type Station, type Stations } from './stations.ts';

/** What a worker does, whatever the queue asks for. */
export interface AllowList {
  /** Distinguished names that users must lie below; none for the whole domain. */
  below: readonly string[];
  /** None for all of them. */
  verbs: readonly string[];
}

export interface WorkerParts {
  queue: Queue;
  domain: string;
  worker: string;
  directory: Directory;
  /** Kept by all workers of the domain; null: as fast as it goes. */
  rate: SharedRate | null;
  stations: Stations;
  allowed: AllowList;
  /** Aborted when the worker is to stop. */
  stop: AbortSignal;
  /** What is wrong with the folder of this worker: else it is the user's own that cannot be written. */
  lookAtPlace(): Promise<MsmqCertError | null>;
  /** Told of each user, and what becomes of his job. */
  onAttempt(account: string, run: string, attempt: Attempt, kind: Settled['kind']): void;
  /** Something is wrong that is wrong for all jobs. */
  onStop(error: MsmqCertError): void;
}

/** Works on one job, and says what becomes of it. */
export async function handleJob(claim: Claim, parts: WorkerParts): Promise<Settled> {
  const { worker, onAttempt, onStop } = parts;
  let told = { account: '', run: '' };
  const attempt = await workOnJob(claim, parts, (account, run) => {
    told = { account, run };
  }).catch((thrown): Attempt => ({ kind: 'refused', error: toMsmqCertError(thrown) }));
  const broken = errorOf(attempt)?.code === 'file-unwritable' ? await parts.lookAtPlace() : null;
  const { settled, stop } = settle(attempt, claim.lastOutput, worker, broken);
  onAttempt(told.account, told.run, attempt, settled.kind);
  if (stop !== null) onStop(stop);
  return settled;
}

async function workOnJob(
  claim: Claim,
  parts: WorkerParts,
  isFor: (account: string, run: string) => void,
): Promise<Attempt> {
  const { queue, domain, directory, allowed, stop } = parts;
  if (stop.aborted) return { kind: 'stopped' };
  const job = readJob(claim.data);
  isFor(job.user.account, job.run);
  const run = await readRun(queue, job.run);
  if (run.cancelledAt !== null) return await takeBack(claim, parts);
  requireDomain(run, domain);
  requireVerb(run, allowed);
  const user = await patiently(() => findUser(job, directory), stop);
  requirePlace(user, run, allowed);
  return await parts.stations.use(run, (station) => workOnUser(user, station, { job, run, claim, parts }));
}

interface Errand {
  job: Job;
  run: QueuedRun;
  claim: Claim;
  parts: WorkerParts;
}

async function workOnUser(user: User, station: Station, { job, run, claim, parts }: Errand): Promise<Attempt> {
  const { queue, domain, directory, rate, stop } = parts;
  const { context, criteria, plannerFor } = await station.means();
  const key = userKey(user);
  const swaps = await swapsOf(queue, run.id, key);
  const undone = run.asked.kind === 'undo' ? await swapsOf(queue, run.asked.run, key) : [];
  const plannerOf = () => {
    const planner =
      run.asked.kind === 'undo'
        ? undoPlanner(() => writtenBy({ swaps: undone }), nameOf(run.asked.run), criteria)
        : plannerFor?.(job.wanted, user);
    if (planner === undefined) throw new MsmqCertError('internal', `nobody plans the run ${run.id}`);
    return unlessDone(planner, swaps, criteria);
  };
  const history = { swaps, hooks: [], keys: station.journal.history?.of(key)?.keys ?? [] };
  const until = AbortSignal.any([stop, claim.signal, station.journal.lost]);
  // each try has a gate of its own: after standing still a worker may have an old and a new claim on one user
  const gate = { rate, claimed: claim.signal, assertClaim: () => assertHeld(user, claim, queue, domain) };
  const now = { ...context, directory: gated(directory, gate), criteria: { ...criteria, now: new Date() } };
  const result = await runUser(user, plannerOf, now, { history, deliver: undefined, stop: until });
  if (result === null) {
    station.isCutShort = true;
    return { kind: 'stopped' };
  }
  count(station.summary, result);
  return { kind: 'result', result };
}

/** @throws MsmqCertError claim-lost */
async function assertHeld({ account }: User, claim: Claim, queue: Queue, domain: string): Promise<void> {
  if (!(await stillHeld(queue, domain, claim))) throw claimLost(account);
}

/** The run was cancelled while the job was at work, or was tried again since. */
async function takeBack({ id, retryCount }: Claim, { queue, domain }: WorkerParts): Promise<Attempt> {
  await queue.ask((boss) => boss.cancel(queueNames(domain).jobs, { id, retryCount }));
  return { kind: 'stopped' };
}

/** By what survives a renaming; and it has to be the one that was meant when the job was put in. */
async function findUser({ user: { account, sid, guid, dn } }: Job, directory: Directory): Promise<User> {
  const user = await directory.findUser(sid ?? dn);
  if (user.guid === guid) return user;
  throw new MsmqCertError(
    'user-not-found',
    `${account} is not the object any more that it was when the job was submitted`,
    {
      hint: 'look at the user, and submit it again',
    },
  );
}

function requireDomain({ domain, id }: QueuedRun, here: string): void {
  if (domain === here) return;
  throw new MsmqCertError('job-refused', `the run ${id} is for ${domain}, and its job lies in the queue of ${here}`, {
    hint: 'find out who else may write to the queue',
  });
}

function requireVerb({ asked, id }: QueuedRun, { verbs }: AllowList): void {
  const verb = asked.kind === 'undo' ? 'undo' : asked.request.verb;
  if (verbs.length === 0 || verbs.includes(verb)) return;
  throw new MsmqCertError('job-refused', `the run ${id} is to ${verb}, and this worker may only ${verbs.join(', ')}`, {
    hint: 'find out who submitted it; --only-verbs says what workers may do',
  });
}

function requirePlace({ account, dn }: User, { id }: QueuedRun, { below }: AllowList): void {
  if (below.length === 0 || below.some((base) => isWithin(dn, base))) return;
  throw new MsmqCertError('job-refused', `${account} of the run ${id} lies outside of what this worker may write to`, {
    hint: `the user is ${dn}; --only-below says where workers may write`,
  });
}
