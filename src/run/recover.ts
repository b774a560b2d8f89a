import { toHex } from '../blob/digest.ts';
import { pairKey } from '../blob/pair.ts';
import { settleRegistered } from '../certificate/key-files/key-files.ts';
import type { Directory, User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import type { UserHistory } from '../journal/read.ts';
import type { JournalItem } from '../journal/records.ts';
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
  out: string,
): Promise<UserResult | null> {
  const last = history.swaps.at(-1);
  if (last === undefined || (last.outcome !== null && last.outcome.outcome !== 'swapped')) return null;
  if (last.outcome === null) directory.stayWith?.(user, last.intent.server);
  if (!(await stands(last.intent, user, directory))) return null;
  if (last.outcome === null) await journal.conclude(user, 'swapped', null);
  const items = last.intent.items.map(itemOf);
  for (const { machine, files, digest } of items) {
    if (machine !== null && files !== null && digest !== null)
      await settleRegistered(out, user.account, machine, digest);
  }
  return { user, plan: null, outcome: 'changed', items, conflictsRetried: 0 };
}

type Intent = UserHistory['swaps'][number]['intent'];

async function stands(intent: Intent, user: User, directory: Directory): Promise<boolean> {
  const pair = await directory.read(user);
  if (pairKey(pair) === intent.after) return true;
  const present = new Set(pair.digests.map(toHex));
  const added = intent.digestsAdded;
  return added.length > 0 && added.every((digest) => present.has(digest));
}

function itemOf(item: JournalItem): ItemResult {
  const error = item.error && new MsmqCertError('internal', item.error.message);
  return { ...item, error };
}
