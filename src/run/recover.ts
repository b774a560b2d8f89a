import { pairKey } from '../blob/pair.ts';
import { areRegistered, type EntryName, standings } from '../blob/registered.ts';
import type { Directory, User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import type { JournalItem } from '../journal/records.ts';
import type { UserHistory } from '../journal/users.ts';
import type { Journal } from '../journal/write.ts';
import type { ItemResult, UserResult } from '../plan/results.ts';

/**
 * What a run that was cut short had already done for a user: its results, or null when there is still something to do.
 * The directory has the last word: it tells what became of a swap whose answer never came, and whether what was
 * registered still is.
 */
export async function recover(
  user: User,
  history: UserHistory,
  directory: Directory,
  journal: Journal,
): Promise<UserResult | null> {
  const last = history.swaps.at(-1);
  if (last === undefined || (last.outcome !== null && last.outcome.outcome !== 'swapped')) return null;
  if (last.outcome === null) directory.stayWith?.(user, last.intent.server);
  if (!(await stands(last.intent, user, directory))) return null;
  if (last.outcome === null) await journal.conclude(user, 'swapped', null);
  const items = last.intent.items.map(itemOf);
  return { user, plan: null, outcome: 'changed', items, conflictsRetried: 0, doneBefore: true };
}

type Intent = UserHistory['swaps'][number]['intent'];

/**
 * Either nobody has written since, or what it added is registered under the very identifiers that it gave and what
 * needed nothing still needs nothing.
 */
async function stands({ after, items }: Intent, user: User, directory: Directory): Promise<boolean> {
  const pair = await directory.read(user);
  if (pairKey(pair) === after) return true;
  const standing = standings(pair);
  const isAsItWas = items.every(
    ({ action, digest }) => action !== 'unchanged' || digest === null || standing(digest) === 'registered',
  );
  return isAsItWas && areRegistered(pair, items.flatMap(addedName));
}

/** What a swap was to register for one item of its intent; none when the item is about something else. */
export function addedName({ action, digest, identifier }: JournalItem): EntryName[] {
  if (action !== 'added' && action !== 'replaced') return [];
  return [{ digest: digest ?? '', identifier: identifier ?? '' }];
}

function itemOf(item: JournalItem): ItemResult {
  const error = item.error && new MsmqCertError('internal', item.error.message);
  return { ...item, error };
}
