import { lstat, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MsmqCertError, systemCode } from '../errors.ts';
import { syncFolder } from './durable-files.ts';
import { makePrivateFolder } from './private-files.ts';

/**
 * Whether nobody else could have put something in the place of this file or folder: it and everything above it belong to
 * this account or to root, and nobody else may write there. Above it a folder that everybody may write to is fine when it
 * is sticky. A path that does not exist yet is judged by what does. On Windows nothing is looked at.
 * @throws MsmqCertError untrusted-path
 */
export async function checkOwn(path: string): Promise<void> {
  const us = process.getuid?.();
  if (us === undefined) return;
  const given = await nearestThere(resolve(path));
  const isThere = given === resolve(path);
  for (const start of new Set([given, await realpath(given)])) {
    for (const part of upwards(start)) await checkPart(part, us, isThere && part === start);
  }
}

/**
 * Makes a folder that only this account can enter, with what is missing above it, on the disk before this resolves. One
 * that is there already has to be ours: see {@link checkOwn}.
 * @throws MsmqCertError untrusted-path, insecure-file-system, not-available, or the system's error
 */
export async function makeOwnFolder(folder: string): Promise<void> {
  await checkOwn(folder);
  const firstMade = await makePrivateFolder(folder);
  if (firstMade === undefined) return;
  await syncNewFolders(resolve(folder), firstMade);
  // somebody may have been faster
  await checkOwn(folder);
}

/** Waits until the names of new folders, from the lowest up to the first that was made, are on the disk. */
async function syncNewFolders(lowest: string, firstMade: string): Promise<void> {
  const above = dirname(lowest);
  await syncFolder(above);
  if (lowest.length > firstMade.length) await syncNewFolders(above, firstMade);
}

async function nearestThere(path: string): Promise<string> {
  try {
    await lstat(path);
    return path;
  } catch (error) {
    const code = systemCode(error);
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error;
    return await nearestThere(dirname(path));
  }
}

function upwards(path: string): string[] {
  return dirname(path) === path ? [path] : [path, ...upwards(dirname(path))];
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

async function checkPart(part: string, us: number, isLowest: boolean): Promise<void> {
  const stats = await lstat(part);
  if (stats.uid !== us && stats.uid !== 0) throw untrusted(part, `belongs to another account (uid ${stats.uid})`);
  // what a link may be exchanged for is up to its folder
  if (stats.isSymbolicLink() || (stats.mode & WRITABLE_BY_OTHERS) === 0) return;
  if (isLowest || (stats.mode & STICKY) === 0) throw untrusted(part, 'can be written by other accounts');
}

function untrusted(part: string, why: string): MsmqCertError {
  return new MsmqCertError('untrusted-path', `${part} ${why}, so keys and journals there could be somebody else's`, {
    hint: 'choose a folder that only this account can write to, or give it to this account and take the rights of others (chown, chmod go-w)',
  });
}
