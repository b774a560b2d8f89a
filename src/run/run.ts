import limit from 'p-limit';
import { counted } from '../counted.ts';
import { type Directory, type User, userKey } from '../directory/directory.ts';
import { isInShard, type Shard } from '../directory/shard.ts';
import { type ErrorCode, MsmqCertError, toMsmqCertError } from '../errors.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { UserHistory } from '../journal/users.ts';
import type { Sequence } from '../packed/packed-list.ts';
import type { Planner } from '../plan/plan.ts';
import type { Target } from '../plan/request.ts';
import { count, emptySummary, failedItem, type ItemResult, type Summary, type UserResult } from '../plan/results.ts';
import { type ApplyContext, applyToUser } from './apply.ts';
import type { Selected } from './everyone.ts';
import { type Known, knownUsers } from './known-users.ts';
import { withoutSpareKeys } from './own-key-sets.ts';
import { patiently } from './patience.ts';
import type { PlannerFor } from './planners.ts';
import { recover } from './recover.ts';

/** A name that stands for no user, or for more than one. */
export interface UnknownUser {
  name: string;
  items: ItemResult[];
}

export interface RunObserver {
  /** Once, when the names are resolved; null when nobody knows how many there will be. */
  started(users: Sequence<Known> | null): void;
  finished(result: UserResult): Promise<void>;
  unknown(user: UnknownUser): void;
}

export interface RunControl {
  /** Users that are worked on side by side. */
  concurrency: number;
  /** No new user is begun once this is aborted; its reason, a MsmqCertError, says why. */
  stop: AbortSignal;
  /** Failing users after which no new one is begun. */
  maxFailures: number;
  /** The journal of the run that this one goes on with. */
  history: JournalHistory | null;
  /** Only these users; null or not there for all. A name that stands for nobody is told of by every shard. */
  shard?: Shard | null;
  /** Delivers what was registered for a user, and says in its results what became of that. */
  deliver?: (result: UserResult, stop: AbortSignal) => Promise<UserResult>;
  /** Whether earlier runs have registered something for a user that was not delivered. */
  isOwed?: (user: User) => boolean;
}

export interface RunOutcome {
  summary: Summary;
  /**
   * Users that nothing was written for, and why; 0 and null when the run came to its end. Null when not all were read,
   * so that nobody knows how many are left.
   */
  remaining: number | null;
  stoppedBy: MsmqCertError | null;
}

/** What fails for one user because of the directory or the disk fails for all: there is no use in going on. */
export const FAILS_FOR_ALL: ReadonlySet<ErrorCode> = new Set([
  'directory-unreachable',
  'directory-timeout',
  'directory-busy',
  'tls-untrusted',
  'bind-refused',
  'disk-full',
]);

/**
 * Carries out one verb for many users: resolves the names, merges what was asked for the same user under two names,
 * then applies the plans side by side. A failing user does not stop the others unless `control` says so.
 */
export async function run(
  targets: Sequence<Target>,
  plannerFor: PlannerFor,
  context: ApplyContext,
  control: RunControl,
  observer: RunObserver,
): Promise<RunOutcome> {
  const crew = crewFor(context, control, observer);
  const known = await resolve(targets, context.directory, control, crew.unknown);
  crew.stopIfTooMany();
  observer.started(known);
  const waiting = known[Symbol.iterator]();
  const workThrough = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      const { user, wanted } = next.value;
      await crew.workOn(user, () => plannerFor(wanted, user));
    }
  };
  await Promise.all(Array.from({ length: control.concurrency }, workThrough));
  return crew.outcome(true);
}

/** As {@link run}, for users who come one after the other, so that only those are in memory that are worked on. */
export async function runSelected(
  selected: AsyncIterable<Selected>,
  plannerFor: PlannerFor,
  context: ApplyContext,
  control: RunControl,
  observer: RunObserver,
): Promise<RunOutcome> {
  const crew = crewFor(context, control, observer);
  const underWay = new Set<Promise<void>>();
  observer.started(null);
  let isWhole = false;
  try {
    for await (const each of selected) {
      if (each.kind === 'unread') {
        crew.unknown({ name: each.name, items: [failedItem(null, null, each.error)] });
        crew.stopIfTooMany();
      } else {
        const plannerOf = () => each.narrow(plannerFor([], each.user));
        const work: Promise<void> = crew.workOn(each.user, plannerOf).finally(() => underWay.delete(work));
        underWay.add(work);
      }
      if (underWay.size >= control.concurrency) await Promise.race(underWay);
      if (crew.isStopped()) break;
    }
    isWhole = !crew.isStopped();
  } catch (error) {
    crew.stop(toMsmqCertError(error));
  }
  await Promise.all(underWay);
  return crew.outcome(isWhole);
}

/** Works on users, counts, and stops when there is reason to. */
function crewFor(context: ApplyContext, control: RunControl, observer: RunObserver) {
  const summary = emptySummary();
  const brake = new AbortController();
  const stop = AbortSignal.any([control.stop, brake.signal]);
  let failures = 0;
  let remaining = 0;
  // What an observer throws stops the run like any other reason: users under way are still finished and told of.
  let broken: MsmqCertError | null = null;

  const stopIfTooMany = () => {
    if (failures > control.maxFailures) brake.abort(tooManyFailures(failures));
  };

  const work = async (user: User, plannerOf: () => Planner) => {
    const history = control.history?.of(userKey(user));
    const result = await runUser(user, plannerOf, context, { history, deliver: control.deliver, stop });
    if (result === null) {
      remaining++;
      return;
    }
    count(summary, result);
    const error = result.items.find((item) => item.error !== null)?.error ?? null;
    if (error !== null) {
      failures++;
      if (FAILS_FOR_ALL.has(error.code)) brake.abort(error);
      else stopIfTooMany();
    }
    await observer.finished(result);
  };

  const end = (error: MsmqCertError) => {
    broken ??= error;
    brake.abort(broken);
  };

  return {
    workOn: (user: User, plannerOf: () => Planner) =>
      work(user, plannerOf).catch((thrown) => end(toMsmqCertError(thrown))),
    unknown(user: UnknownUser) {
      count(summary, { items: user.items, conflictsRetried: 0 });
      observer.unknown(user);
      failures++;
    },
    stopIfTooMany,
    isStopped: () => stop.aborted,
    stop: end,
    outcome: (isWhole: boolean): RunOutcome => ({
      summary,
      remaining: isWhole ? remaining : null,
      stoppedBy: broken ?? (stop.aborted ? toMsmqCertError(stop.reason) : null),
    }),
  };
}

export interface UserControl {
  /** What earlier processes of the run did for the user. */
  history: UserHistory | undefined;
  deliver: RunControl['deliver'] | undefined;
  stop: AbortSignal;
}

/** The whole way of one user: what was done before, the plan, the swap, the delivery. Null when it was stopped before that. */
export async function runUser(
  user: User,
  plannerOf: () => Planner,
  context: ApplyContext,
  { history, deliver, stop }: UserControl,
): Promise<UserResult | null> {
  const registered = stop.aborted ? null : await resultOf(user, plannerOf, context, history, stop);
  if (registered === null) return null;
  return (await deliver?.(registered, stop)) ?? registered;
}

/** What fails for one user is that user's result, also what it was resumed with. */
async function resultOf(
  user: User,
  plannerOf: () => Planner,
  context: ApplyContext,
  history: UserHistory | undefined,
  stop: AbortSignal,
): Promise<UserResult | null> {
  try {
    const { directory, journal, beforeRetry } = context;
    const done =
      history === undefined
        ? null
        : await patiently(() => recover(user, history, directory, journal), stop, beforeRetry);
    if (done !== null) return await withoutSpareKeys(done, history, context);
    return await applyToUser(user, plannerOf(), context, stop, history);
  } catch (thrown) {
    const items = [failedItem(null, null, toMsmqCertError(thrown))];
    return { user, plan: null, outcome: 'failed', items, conflictsRetried: 0 };
  }
}

/** Names that are looked up before the next ones are: enough to keep every lane busy. */
const NAMES_AT_A_TIME = 256;

/** The users of targets by the names that the directory knows, each once. */
export async function resolve(
  targets: Sequence<Target>,
  directory: Directory,
  { concurrency, shard = null }: Pick<RunControl, 'concurrency' | 'shard'>,
  onUnknown: (user: UnknownUser) => void,
): Promise<Sequence<Known>> {
  const lane = limit(concurrency);
  const known = knownUsers(targets);
  for (let start = 0; start < targets.length; start += NAMES_AT_A_TIME) {
    const positions = Array.from({ length: Math.min(NAMES_AT_A_TIME, targets.length - start) }, (_, at) => start + at);
    const names = positions.map((position) => targets.at(position)?.name ?? '');
    for (const [at, user] of (await findUsers(directory, names, lane)).entries()) {
      if ('error' in user) onUnknown({ name: names[at] ?? '', items: [failedItem(null, null, user.error)] });
      else if (shard === null || isInShard(user, shard)) known.note(user, start + at);
    }
  }
  return known;
}

/** @throws MsmqCertError what the first lookup throws that fails because of the directory, when none is under way any more */
async function findUsers(
  directory: Directory,
  names: readonly string[],
  lane: ReturnType<typeof limit>,
): Promise<(User | { error: MsmqCertError })[]> {
  // once the directory itself has failed it is asked no more: whoever closes it does so when nothing is under way
  const failures: unknown[] = [];
  const atOnce = (await directory.findUsers?.(names)) ?? [];
  const found = await lane.map(names, async (name, at) => {
    if (failures.length > 0) return [];
    try {
      return [atOnce[at] ?? (await findUser(directory, name))];
    } catch (thrown) {
      failures.push(thrown);
      return [];
    }
  });
  if (failures.length > 0) throw failures[0];
  return found.flat();
}

/** @throws MsmqCertError when the directory itself fails; a name that it does not know is an answer. */
async function findUser(directory: Directory, name: string): Promise<User | { error: MsmqCertError }> {
  try {
    return await directory.findUser(name);
  } catch (thrown) {
    const error = toMsmqCertError(thrown);
    if (error.code === 'user-not-found' || error.code === 'user-ambiguous') return { error };
    throw error;
  }
}

function tooManyFailures(failures: number): MsmqCertError {
  return new MsmqCertError('too-many-failures', `the run was stopped after ${counted(failures, 'failing user')}`, {
    hint: 'mend what failed and run the same command again; it goes on with the others',
  });
}
