import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pair } from '../blob/pair.ts';
import type { Listed, User } from '../directory/directory.ts';
import { entryRecord } from '../directory/ldif/entry.ts';
import { MsmqCertError, systemCode } from '../errors.ts';
import { syncFolder } from '../files/durable-files.ts';
import { writeError } from '../files/file-errors.ts';
import { makeOwnFolder } from '../files/own-folder.ts';
import { openPrivate } from '../files/private-files.ts';

export interface BackupOutcome {
  users: number;
  /** Users that are not in the file. */
  errors: { user: string; error: MsmqCertError }[];
}

/**
 * Writes the exact values of both attributes of users to a new file, as LDIF entries.
 * @param wanted which of the listed are worth a record
 * @throws MsmqCertError file-exists, file-unwritable, disk-full; then there is no file
 */
export async function backUp(
  users: AsyncIterable<Listed>,
  wanted: (pair: Pair) => boolean,
  file: string,
): Promise<BackupOutcome> {
  const outcome: BackupOutcome = { users: 0, errors: [] };
  await writeNew(file, async (write) => {
    for await (const listed of users) {
      if (listed.kind === 'unread') outcome.errors.push({ user: listed.name, error: listed.error });
      else if (wanted(listed.pair)) {
        await write(entryRecord(listed.user, listed.pair));
        outcome.users++;
      }
    }
  });
  return outcome;
}

/** Whether there is anything to save. */
export function isPresent({ blob, digests }: Pair): boolean {
  return blob !== null || digests.length > 0;
}

/**
 * Saves what a command is about to take from a user, in a file of its own in the folder `backup`: the pair as LDIF, or
 * the blob alone as it is. The same bytes are saved once.
 * @returns the file
 * @throws MsmqCertError file-unwritable, disk-full, untrusted-path
 */
export async function saveBefore(out: string, user: User, pair: Pair, form: 'ldif' | 'blob'): Promise<string> {
  const text = form === 'ldif' ? entryRecord(user, pair) : (pair.blob ?? Buffer.alloc(0));
  const folder = join(out, 'backup');
  const at = new Date().toISOString().replaceAll(/[-:]/g, '').replace(/[.].*/, 'Z');
  const name = `${at}-${fileName(user)}-${hash('sha256', text, 'hex').slice(0, 8)}`;
  const file = join(folder, `${name}.${form === 'ldif' ? 'ldif' : 'bin'}`);
  await makeOwnFolder(folder).catch((error) => {
    throw writeError(folder, error);
  });
  await writeNew(file, (write) => write(text)).catch((error) => {
    // The name says what is in it: a second try of the same write has nothing to add.
    if (!(error instanceof MsmqCertError && error.code === 'file-exists')) throw error;
  });
  return file;
}

function fileName({ account }: User): string {
  return account.replace(/^.*\\/, '').replaceAll(/[^\p{L}\p{N}._-]/gu, '_');
}

async function writeNew(
  file: string,
  fill: (write: (bytes: string | Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const handle = await openPrivate(file, 'wx', 'or-not').catch((error) => {
    throw systemCode(error) === 'EEXIST' ? fileExists(file) : writeError(file, error);
  });
  const write = async (bytes: string | Uint8Array) => {
    await handle.appendFile(bytes).catch((error) => {
      throw writeError(file, error);
    });
  };
  try {
    await fill(write);
    await handle.sync();
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function fileExists(file: string): MsmqCertError {
  return new MsmqCertError('file-exists', `${file} exists already`, { hint: 'name another file; none is overwritten' });
}
