import { standings } from '../blob/registered.ts';
import { leftKeySets } from '../certificate/key-files/key-leftovers.ts';
import type { Directory, User } from '../directory/directory.ts';

/**
 * The PFX files of a user that no registered certificate belongs to: a run that was cut short, or that lost a race, left
 * them. What turns out to be registered is settled, and what is there by half is left alone: repair may make it whole. To be asked when this process is done with the user.
 */
export async function orphanedKeyFiles(user: User, out: string, directory: Directory): Promise<string[]> {
  const left = await leftKeySets(out, user.account);
  if (left.length === 0) return [];
  const standing = standings(await directory.read(user));
  const orphans: string[] = [];
  for (const set of left) {
    const stands = standing(set.digest);
    if (stands === 'registered') await set.settle();
    else if (stands === 'absent') orphans.push(set.pfx);
  }
  return orphans;
}
