import type { Entry } from '../blob/codec.ts';
import { toHex } from '../blob/digest.ts';
import { applyChange } from '../blob/edit.ts';
import { type Change, pairKey } from '../blob/pair.ts';
import { areRegistered, type EntryName, entryName, registeredAmong } from '../blob/registered.ts';
import type { Directory, User } from '../directory/directory.ts';
import { MsmqCertError, toMsmqCertError } from '../errors.ts';
import type { UserHistory } from '../journal/users.ts';
import type { Journal } from '../journal/write.ts';
import { assessKnowingly, type Criteria, type UserState } from '../judge/state.ts';
import {
  type Addition,
  additionsOf,
  changeOf,
  changesSomething,
  guardCapacity,
  type Planner,
  type UserPlan,
} from '../plan/plan.ts';
import { failedItem, type ItemResult, itemsOf, type Prepared, type UserResult } from '../plan/results.ts';
import type { SharedDigestGuard } from '../plan/shared-digests.ts';
import { type KeyMaking, type KeyPolicy, type MakePfx, makePfx, prepare } from './keys.ts';
import { dropUnused, earlierKeySets, type OwnKeySets, ownKeySets } from './own-key-sets.ts';
import { MAX_TRIES, PASSING, pauseBefore } from './patience.ts';

export interface ApplyContext {
  directory: Directory;
  criteria: Criteria;
  keys: KeyPolicy;
  journal: Journal;
  mode: 'write' | 'dry-run';
  guardSharedDigests: SharedDigestGuard;
  /**
   * Called with what is about to be written, also when the plan's refusal forbids it: resolves to the plan, without its
   * refusal when somebody has confirmed it.
   */
  beforeWrite: (plan: UserPlan, stop: AbortSignal) => Promise<UserPlan>;
  whenCoreIsFree: KeyMaking['whenCoreIsFree'];
  /** How keys are made; real ones unless something else is given. */
  makePfx?: MakePfx;
  /** Told how many certificates a user gets, and of each whose key is on disk. */
  onKeys?: { planned(user: User, certificates: number): void; made(user: User): void };
  /** Called before each new try. */
  onRetry: () => void;
  /** How long it waits before the second try, the third, …; with a random, growing pause unless something else is given. */
  beforeRetry?: (tries: number) => Promise<unknown>;
}

/**
 * Carries out a plan for one user: read, plan, keys on disk, swap. When somebody else wrote in between, it reads and plans
 * anew and uses the keys that are made already. Never throws for a failing user: the result says what happened. Once
 * `stop` is aborted no key is begun and the directory is not waited for any more.
 * @param history what earlier processes of this run did for the user
 * @returns null when it was stopped before it had written anything
 */
export async function applyToUser(
  user: User,
  planner: Planner,
  context: ApplyContext,
  stop: AbortSignal,
  history?: UserHistory,
): Promise<UserResult | null> {
  const own = ownKeySets();
  const attempt: Attempt = {
    user,
    planner,
    context,
    stop,
    own,
    ready: new Map(),
    sent: null,
    took: new Map(),
    mayHaveTaken: false,
  };
  const result = await tryUntilDone(attempt, history);
  if (result === null) return null;
  const leftKeys = own.left();
  return leftKeys.length === 0 ? result : { ...result, leftKeys };
}

async function tryUntilDone(attempt: Attempt, history: UserHistory | undefined): Promise<UserResult | null> {
  const { user, context, stop, own } = attempt;
  let conflictsRetried = 0;
  try {
    for (const set of await earlierKeySets(user, history, context.keys.out)) own.add(set);
    for (let tries = 1; ; tries++) {
      const step = await tryOnce(attempt).catch(againIfPassing);
      if (step.kind === 'done') return { ...step.result, conflictsRetried };
      if (step.cause === null) conflictsRetried++;
      if (tries >= MAX_TRIES) throw step.cause ?? tooManyConflicts(user);
      if (step.cause !== null && stop.aborted) throw step.cause;
      context.onRetry();
      await (context.beforeRetry ?? pauseBefore)(tries);
    }
  } catch (error) {
    // its keys stay: whoever goes on with the run uses them
    if (stop.aborted && error === stop.reason && !attempt.mayHaveTaken) return null;
    await dropSpare(attempt, []);
    const items = [failedItem(null, null, toMsmqCertError(error))];
    return { user, plan: null, outcome: 'failed', items, conflictsRetried };
  }
}

interface Attempt {
  user: User;
  planner: Planner;
  context: ApplyContext;
  stop: AbortSignal;
  /** The key sets of the user that the journal of this run names. */
  own: OwnKeySets;
  /** Certificates made for this user so far: they survive a lost race. */
  ready: Map<string, Prepared>;
  /** The last write that was sent to the directory. */
  sent: Sent | null;
  /** What a write has registered that took without an answer, and that still stood afterwards, by digest. */
  took: Map<string, ItemResult>;
  /** Nobody knows yet what became of it, or it has not been written down. */
  mayHaveTaken: boolean;
}

interface Sent {
  plan: UserPlan;
  /** How the pair stands once it has taken: see pairKey. */
  after: string;
  sending: ReturnType<OwnKeySets['send']>;
}

/** `again`: somebody else was faster, or the directory failed in a way that may pass. */
type Step =
  | { kind: 'done'; result: Omit<UserResult, 'conflictsRetried'> }
  | { kind: 'again'; cause: MsmqCertError | null };

async function tryOnce(attempt: Attempt): Promise<Step> {
  const { user, planner, context, sent } = attempt;
  if (sent !== null) await context.journal.assertHeld();
  const state = await assessKnowingly(user, await context.directory.read(user), context.criteria);
  if (sent !== null && hasTaken(attempt, sent, state)) {
    await context.journal.conclude(user, 'swapped', null);
    return finish(attempt, sent.plan, 'changed');
  }
  if (sent !== null) await noteWhatStands(attempt, sent, state);

  const planned = planner(state);
  guardCapacity(planned, context.criteria.maxCertificates, context.keys.keySize);
  await context.guardSharedDigests(planned);
  if (!changesSomething(planned)) return finish(attempt, planned, 'unchanged');
  if (context.mode === 'dry-run') return finish(attempt, planned, 'pending');
  const plan = await context.beforeWrite(planned, attempt.stop);
  if (plan.refusal !== null) throw plan.refusal;

  await prepareAdditions(attempt, plan);
  const change = changeOf(plan, entriesOf(state), (addition) => preparedFor(attempt, addition).entry);
  return await swap(attempt, plan, change);
}

/** The last write took although its answer never came, also when somebody else has gone on from there. */
function hasTaken(attempt: Attempt, { plan, after }: Sent, { pair }: UserState): boolean {
  return pairKey(pair) === after || areRegistered(pair, addedBy(attempt, plan));
}

function addedBy(attempt: Attempt, plan: UserPlan): EntryName[] {
  return additionsOf(plan).map((addition) => entryName(preparedFor(attempt, addition).entry));
}

/** The last write took although its answer never came, and somebody else has taken a part of it away since. */
async function noteWhatStands(attempt: Attempt, { plan, sending }: Sent, { pair }: UserState): Promise<void> {
  const { user, context, ready, took } = attempt;
  const standing = new Set(registeredAmong(pair, addedBy(attempt, plan)).map(({ digest }) => digest));
  if (standing.size === 0) return;
  await context.journal.conclude(user, 'swapped', null);
  sending.took();
  attempt.sent = null;
  for (const item of itemsOf(plan, (addition) => ready.get(keyOf(addition)) ?? null)) {
    if (item.digest !== null && standing.has(item.digest)) took.set(item.digest, item);
  }
}

async function prepareAdditions(attempt: Attempt, plan: UserPlan): Promise<void> {
  const { user, context, own, ready, stop } = attempt;
  const making: KeyMaking = {
    policy: context.keys,
    journal: context.journal,
    own,
    makePfx: context.makePfx ?? makePfx,
    whenCoreIsFree: (job) =>
      context.whenCoreIsFree(async () => {
        stop.throwIfAborted();
        return await job();
      }),
  };
  context.onKeys?.planned(user, additionsOf(plan).length);
  const missing = additionsOf(plan).filter((addition) => !ready.has(keyOf(addition)));
  const results = await Promise.allSettled(
    missing.map(async (addition) => {
      ready.set(keyOf(addition), await prepare(user, addition, making));
      context.onKeys?.made(user);
    }),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function swap(attempt: Attempt, plan: UserPlan, change: Change): Promise<Step> {
  const { user, context, own, ready } = attempt;
  const items = itemsOf(plan, (addition) => ready.get(keyOf(addition)) ?? null);
  const { directory, journal } = context;
  await journal.intend(directory.serverOf?.(user) ?? directory.server, plan, change, items);
  await journal.assertHeld();
  const sending = own.send(change.digestsToAdd.map(toHex));
  attempt.sent = { plan, after: pairKey(applyChange(plan.before, change)), sending };
  attempt.mayHaveTaken = true;
  const outcome = await directory.swap(user, plan.before, change);
  if (outcome.kind === 'swapped') sending.took();
  else sending.failed();
  const error = outcome.kind === 'refused' ? outcome.error : null;
  attempt.mayHaveTaken = outcome.kind === 'swapped';
  await journal.conclude(user, outcome.kind, error);
  if (outcome.kind === 'swapped') return finish(attempt, plan, 'changed');
  if (error === null) return { kind: 'again', cause: null };
  throw error;
}

async function finish(attempt: Attempt, plan: UserPlan, outcome: 'changed' | 'pending' | 'unchanged'): Promise<Step> {
  const { user, ready, took } = attempt;
  const used = outcome === 'changed' ? additionsOf(plan).map((addition) => preparedFor(attempt, addition).digest) : [];
  await dropSpare(attempt, [...used, ...took.keys()]);
  const planned = itemsOf(plan, (addition) => ready.get(keyOf(addition)) ?? null);
  const items = planned.map((item) => (item.action === 'unchanged' ? (took.get(item.digest ?? '') ?? item) : item));
  const isChanged = items.some((item, at) => item !== planned[at]);
  return { kind: 'done', result: { user, plan, outcome: isChanged ? 'changed' : outcome, items } };
}

/** A race may have made a certificate needless that was ready already, or the directory may have refused it. */
async function dropSpare({ user, own, context }: Attempt, used: readonly string[]): Promise<void> {
  if (context.mode === 'write') await dropUnused(user, own, new Set(used), context.directory, context.journal);
}

/** One certificate a machine, or one a given file: the same addition in a plan that was made anew. */
function keyOf({ machine, source }: Addition): string {
  return source.kind === 'external' ? source.digest : `${machine}`.toLowerCase();
}

function preparedFor({ ready }: Attempt, addition: Addition): Prepared {
  const prepared = ready.get(keyOf(addition));
  if (prepared === undefined) throw new MsmqCertError('internal', `no certificate was made for ${addition.machine}`);
  return prepared;
}

function entriesOf(state: UserState): Entry[] {
  return state.kind === 'decoded' ? state.entries.map(({ entry }) => entry) : [];
}

function againIfPassing(thrown: unknown): Step {
  const error = toMsmqCertError(thrown);
  if (!PASSING.has(error.code)) throw error;
  return { kind: 'again', cause: error };
}

function tooManyConflicts(user: User): MsmqCertError {
  return new MsmqCertError('conflict', `others changed ${user.account} each of ${MAX_TRIES} times before the write`, {
    hint: 'find out what else writes the certificates of this user, then run the same command again',
  });
}
