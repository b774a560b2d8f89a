import { toHex } from '../blob/digest.ts';
import { examine } from '../blob/findings.ts';
import type { Pair } from '../blob/pair.ts';
import { leftKeySets } from '../certificate/key-files/key-leftovers.ts';
import type { Directory, User } from '../directory/directory.ts';

/**
 * The PFX files of a user that no registered certificate belongs to: a run that was cut short, or that lost a race, left
 * them. What turns out to be registered is settled. To be asked when this process is done with the user.
 */
export async function orphanedKeyFiles(user: User, out: string, directory: Directory): Promise<string[]> {
  const left = await leftKeySets(out, user.account);
  if (left.length === 0) return [];
  const registered = digestsIn(await directory.read(user));
  const orphans: string[] = [];
  for (const set of left) {
    if (registered.has(set.digest)) await set.settle();
    else orphans.push(set.pfx);
  }
  return orphans;
}

/** By both attributes: an entry whose digest is missing is registered too, if badly. */
function digestsIn(pair: Pair): Set<string> {
  const examination = examine(pair);
  const entries = examination.kind === 'malformed' ? [] : examination.entries;
  return new Set([...pair.digests.map(toHex), ...entries.map(({ md5 }) => md5)]);
}
