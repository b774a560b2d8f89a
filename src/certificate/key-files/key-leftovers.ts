import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Claim, claimsIn, isAbandoned, ownClaim } from './key-claim.ts';
import { accountFolder, folderEntries } from './key-folder.ts';

/** A complete key set that is claimed, though nobody works on it any more. */
export interface LeftKeySet {
  /** MD5 of its certificate, 32 hex digits. */
  digest: string;
  pfx: string;
  /** Its certificate is registered after all: nothing is provisional about it. */
  settle(): Promise<void>;
}

/**
 * The key sets of an account that are claimed by a process that has ended, or by this one, which has to be done with the
 * account. Only the directory knows whether one of them is registered.
 * @throws the system's error
 */
export async function leftKeySets(out: string, account: string): Promise<LeftKeySet[]> {
  const parent = accountFolder(out, account);
  const machines = await folderEntries(parent);
  const left = await Promise.all(machines.map((machine) => leftIn(join(parent, machine))));
  return left.flat();
}

async function leftIn(folder: string): Promise<LeftKeySet[]> {
  const names = await folderEntries(folder);
  const left: LeftKeySet[] = [];
  for (const claim of claimsIn(folder, names)) {
    const pfx = `${claim.digest}.pfx`;
    if (!names.includes(pfx) || !(await isLeft(claim, folder))) continue;
    left.push({
      digest: claim.digest,
      pfx: join(folder, pfx),
      settle: () => rm(claim.path, { force: true }),
    });
  }
  return left;
}

async function isLeft(claim: Claim, folder: string): Promise<boolean> {
  return claim.path === ownClaim(folder, claim.digest) || (await isAbandoned(claim));
}
