import { rename, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import { escapeName } from './key-folder.ts';

/**
 * A file next to a key set whose certificate is not known to be registered yet. Its name says which process is at work,
 * so that a set nobody works on can be told from one in the making, and taken over in one atomic rename.
 */
export interface Claim {
  path: string;
  digest: string;
  pid: number;
  host: string;
}

/** A process on another machine cannot be asked; after this time without a result it is taken for dead. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

const claimName = /^([0-9a-f]{32})\.([1-9]\d{0,9})\.(.+)\.pending$/;

/** Where this process claims a key set. */
export function ownClaim(folder: string, digest: string): string {
  return join(folder, `${digest}.${process.pid}.${escapeName(hostname())}.pending`);
}

/** The claims among the names in a folder. */
export function claimsIn(folder: string, names: readonly string[]): Claim[] {
  return names.flatMap((name) => {
    const [, digest, pid, host] = claimName.exec(name) ?? [];
    if (digest === undefined || pid === undefined || host === undefined) return [];
    return [{ path: join(folder, name), digest, pid: Number(pid), host }];
  });
}

/** Whether nobody works on the key set any more: its process has ended, or it has been at it for over an hour. */
export async function isAbandoned({ path, pid, host }: Claim): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  return host === escapeName(hostname()) && !isRunning(pid);
}

/** Takes an abandoned claim over; false when another process was faster. */
export async function takeOver(claim: Claim, folder: string): Promise<boolean> {
  const own = ownClaim(folder, claim.digest);
  try {
    await rename(claim.path, own);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  const now = new Date();
  await utimes(own, now, now);
  return true;
}

/** Whether this machine has a process with this number, also when it belongs to somebody else. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}
