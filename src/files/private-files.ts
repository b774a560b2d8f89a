import { type FileHandle, lstat, mkdir, open, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MsmqCertError, systemCode } from '../errors.ts';
import { type AccessLists, accessLists } from '../native/windows/access-lists.ts';

const isWindows = process.platform === 'win32';
const FOR_OTHERS = 0o077;

let insecureIsFine = false;

/** From now on this process also writes where the file system cannot keep files to their owner. Like the umask, for all of it. */
export function allowInsecureFileSystems(): void {
  insecureIsFine = true;
}

/** `or-not`: for what is no secret, a file system that cannot keep it from others will do. */
export type Need = 'must' | 'or-not';

/**
 * Makes a file that only this account can read, and opens it for writing: with the mode 0600, on Windows with an access
 * list of its own for this account and the system. It has them before anything is in it.
 * @throws MsmqCertError insecure-file-system, not-available; the system's error, EEXIST when there is one
 */
export async function openPrivate(path: string, flags: 'wx' | 'ax', need: Need = 'must'): Promise<FileHandle> {
  if (!isWindows) return await judged(path, await open(path, flags, 0o600), need);
  const lists = await listsOrNull(need);
  if (lists === null) return await open(path, flags);
  lists.createFile(resolve(path));
  return await judged(path, await open(path, flags === 'ax' ? 'a' : 'r+'), need);
}

async function judged(path: string, file: FileHandle, need: Need): Promise<FileHandle> {
  try {
    if (need === 'must') await checkPrivate(path);
    return file;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Makes a folder that only this account can enter, and what is missing above it. One at a time: the recursive mkdir of
 * Node.js never ends below a folder that takes none, such as /proc.
 * @returns the highest one that was made, undefined when all were there
 * @throws MsmqCertError insecure-file-system, not-available; the system's error, EEXIST or ENOTDIR when a file is there
 */
export async function makePrivateFolder(folder: string): Promise<string | undefined> {
  const path = resolve(folder);
  const missing = await missingFrom(path);
  const made: string[] = [];
  try {
    for (const each of missing) {
      if (await makeOne(each)) made.push(each);
      await checkPrivate(each);
    }
    if (missing.length === 0) await protectFolder(path);
  } catch (error) {
    for (const each of made.toReversed()) await rmdir(each).catch(() => {});
    throw error;
  }
  return made[0];
}

/** The folders of a path that are not there, the highest one first. */
async function missingFrom(path: string): Promise<string[]> {
  try {
    if ((await stat(path)).isDirectory()) return [];
    throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), { code: 'ENOTDIR' });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return [...(await missingFrom(dirname(path))), path];
  }
}

/** False when somebody was faster. */
async function makeOne(folder: string): Promise<boolean> {
  try {
    const lists = isWindows ? await listsOrNull('must') : null;
    if (lists === null) await mkdir(folder, { mode: 0o700 });
    else lists.createFolder(folder);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && (await lstat(folder)).isDirectory()) return false;
    throw error;
  }
}

/** A folder of keys that was made by something else: on Windows it takes its access list from above. */
async function protectFolder(folder: string): Promise<void> {
  if (!isWindows || insecureIsFine) return;
  const lists = await accessLists();
  if (lists.othersWithAccess(folder).length === 0) return;
  lists.protectFolder(folder);
  await checkPrivate(folder);
}

/**
 * Whether the file system has done what it was told: nobody else may use this file or folder.
 * @throws MsmqCertError insecure-file-system
 */
export async function checkPrivate(path: string): Promise<void> {
  if (insecureIsFine) return;
  const others = isWindows ? (await accessLists()).othersWithAccess(resolve(path)) : await othersByMode(path);
  if (others.length === 0) return;
  throw new MsmqCertError('insecure-file-system', `${path} cannot be kept from others here (${others.join(', ')})`, {
    hint: 'choose a folder on a file system with access rights (NTFS, ext4) with --out, or give --insecure-file-system if nobody else can reach this one',
  });
}

async function othersByMode(path: string): Promise<string[]> {
  const { mode } = await stat(path);
  return (mode & FOR_OTHERS) === 0 ? [] : [`mode ${(mode & 0o777).toString(8).padStart(4, '0')}`];
}

/** Null where they cannot be had and need not be. */
async function listsOrNull(need: Need): Promise<AccessLists | null> {
  try {
    return await accessLists();
  } catch (error) {
    if (insecureIsFine || need === 'or-not') return null;
    throw error;
  }
}
