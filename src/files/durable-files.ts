import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../errors.ts';
import { checkPrivate, openPrivate } from './private-files.ts';

/** What link(2) answers on file systems without hard links. */
const noHardLinks: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** What opening or syncing a folder answers where folders cannot be synced. */
const noFolderSync: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP']);

export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

/** A name in the same folder, for a file that is going to take the place of this one. */
export function unforeseenName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

/**
 * Writes a new file that only its owner can read: under a temporary name first, through to the disk, then in one step
 * under its own name, which must not exist. Every name it makes is added to `created`.
 * @throws MsmqCertError insecure-file-system; the system's error, EEXIST when the name is taken
 */
export async function writeOnce(path: string, content: Uint8Array | string, created: string[]): Promise<void> {
  const temporary = temporaryName(path);
  await createSynced(temporary, content, created);
  await publish(temporary, path, created);
  await unlink(temporary);
  await checkPrivate(path);
}

async function createSynced(path: string, content: Uint8Array | string, created: string[]): Promise<void> {
  const file = await openPrivate(path, 'wx');
  created.push(path);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a finished file its own name. The file system's way to make a hard link can be exchanged for tests. */
export async function publish(temporary: string, path: string, created: string[], hardLink = link): Promise<void> {
  try {
    // Unlike a rename, a link never replaces a file that is already there.
    await hardLink(temporary, path);
    created.push(path);
  } catch (error) {
    if (!noHardLinks.has(systemCode(error))) throw error;
    await createSynced(path, await readFile(temporary), created);
  }
}

/** Waits until the names in a folder are on the disk, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const opened = await open(folder, 'r');
    try {
      await opened.sync();
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!noFolderSync.has(systemCode(error))) throw error;
  }
}

/** Removes files, the last one first, going on where one cannot be removed: used when an error is already on its way. */
export async function removeQuietly(paths: readonly string[]): Promise<void> {
  for (const path of paths.toReversed()) await rm(path, { force: true }).catch(() => {});
}
