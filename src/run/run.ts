import limit from 'p-limit';
import { counted } from '../counted.ts';
import { type Directory, type User, userKey } from '../directory/directory.ts';
import { type ErrorCode, MsmqCertError, toMsmqCertError } from '../errors.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { Planner } from '../plan/plan.ts';
import type { Target, Wanted } from '../plan/request.ts';
import { count, emptySummary, failedItem, type ItemResult, type Summary, type UserResult } from '../plan/results.ts';
import { type ApplyContext, applyToUser } from './apply.ts';
import { withoutSpareKeys } from './own-key-sets.ts';
import { recover } from './recover.ts';

/** A name that stands for no user, or for more than one. */
export interface UnknownUser {
  name: string;
  items: ItemResult[];
}

export interface RunObserver {
  /** Once, when the names are resolved. */
  started(users: readonly Known[]): void;
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
  /** Delivers what was registered for a user, and says in its results what became of that. */
  deliver?: (result: UserResult, stop: AbortSignal) => Promise<UserResult>;
}

export interface RunOutcome {
  summary: Summary;
  /** Users that nothing was written for, and why; 0 and null when the run came to its end. */
  remaining: number;
  stoppedBy: MsmqCertError | null;
}

/** What fails for one user because of the directory or the disk fails for all: there is no use in going on. */
const FAILS_FOR_ALL: ReadonlySet<ErrorCode> = new Set([
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
  targets: readonly Target[],
  plannerFor: (wanted: Wanted[], user: User) => Planner,
  context: ApplyContext,
  control: RunControl,
  observer: RunObserver,
): Promise<RunOutcome> {
  const summary = emptySummary();
  const lane = limit(control.concurrency);
  const brake = new AbortController();
  const stop = AbortSignal.any([control.stop, brake.signal]);
  let failures = 0;
  let remaining = 0;

  const noteFailure = (error: MsmqCertError) => {
    failures++;
    if (FAILS_FOR_ALL.has(error.code)) brake.abort(error);
    else if (failures > control.maxFailures) brake.abort(tooManyFailures(failures));
  };

  const known = await resolve(targets, context.directory, lane, (unknown) => {
    count(summary, { items: unknown.items, conflictsRetried: 0 });
    observer.unknown(unknown);
    failures++;
  });
  if (failures > control.maxFailures) brake.abort(tooManyFailures(failures));

  observer.started(known);
  const workOn = async (each: Known) => {
    const registered = stop.aborted ? null : await resultOf(each, plannerFor, context, control, stop);
    if (registered === null) {
      remaining++;
      return;
    }
    const result = (await control.deliver?.(registered, stop)) ?? registered;
    count(summary, result);
    const error = result.items.find((item) => item.error !== null)?.error ?? null;
    if (error !== null) noteFailure(error);
    await observer.finished(result);
  };
  // What an observer throws stops the run like any other reason: users under way are still finished and told of.
  let broken: MsmqCertError | null = null;
  await lane.map(known, async (each) => {
    await workOn(each).catch((thrown: unknown) => {
      broken ??= toMsmqCertError(thrown);
      brake.abort(broken);
    });
  });
  return { summary, remaining, stoppedBy: broken ?? (stop.aborted ? toMsmqCertError(stop.reason) : null) };
}

/** What fails for one user is that user's result, also what it was resumed with. */
async function resultOf(
  { user, wanted }: Known,
  plannerFor: (wanted: Wanted[], user: User) => Planner,
  context: ApplyContext,
  control: RunControl,
  stop: AbortSignal,
): Promise<UserResult | null> {
  try {
    const history = control.history?.users.get(userKey(user));
    const done = history === undefined ? null : await recover(user, history, context.directory, context.journal);
    if (done !== null) return await withoutSpareKeys(done, history, context);
    return await applyToUser(user, plannerFor(wanted, user), context, stop, history);
  } catch (thrown) {
    const items = [failedItem(null, null, toMsmqCertError(thrown))];
    return { user, plan: null, outcome: 'failed', items, conflictsRetried: 0 };
  }
}

/** A user, and what was asked for him. */
export interface Known {
  user: User;
  wanted: Wanted[];
}

async function resolve(
  targets: readonly Target[],
  directory: Directory,
  lane: ReturnType<typeof limit>,
  onUnknown: (user: UnknownUser) => void,
): Promise<Known[]> {
  // once the directory itself has failed it is asked no more: whoever closes it does so when nothing is under way
  const failures: unknown[] = [];
  const found = await lane.map(targets, async ({ name, wanted }) => {
    if (failures.length > 0) return [];
    try {
      return [{ name, wanted, user: await findUser(directory, name) }];
    } catch (thrown) {
      failures.push(thrown);
      return [];
    }
  });
  if (failures.length > 0) throw failures[0];
  const byDn = new Map<string, Known>();
  for (const { name, wanted, user } of found.flat()) {
    if ('error' in user) {
      onUnknown({ name, items: [failedItem(null, null, user.error)] });
      continue;
    }
    const key = user.dn.toLowerCase();
    const known = byDn.get(key);
    if (known === undefined) byDn.set(key, { user, wanted: [...wanted] });
    else known.wanted.push(...wanted);
  }
  return [...byDn.values()];
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
