import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Pair } from '../blob/pair.ts';
import type { Listed, User } from '../directory/directory.ts';
import { entryRecord } from '../directory/ldif/entry.ts';
import { MsmqCertError } from '../errors.ts';
import { writeError } from '../files/file-errors.ts';
import { createFile, type Write } from '../files/output-file.ts';
import { makeOwnFolder } from '../files/own-folder.ts';

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
  const fill = async (write: Write) => {
    for await (const listed of users) {
      if (listed.kind === 'unread') outcome.errors.push({ user: listed.name, error: listed.error });
      else if (wanted(listed.pair)) {
        await write(entryRecord(listed.user, listed.pair));
        outcome.users++;
      }
    }
  };
  await createFile(file, fill, 0o600);
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
  await createFile(file, text, 0o600).catch((error) => {
    // The name says what is in it: a second try of the same write has nothing to add.
    if (!(error instanceof MsmqCertError && error.code === 'file-exists')) throw error;
  });
  return file;
}

function fileName({ account }: User): string {
  return account.replace(/^.*\\/, '').replaceAll(/[^\p{L}\p{N}._-]/gu, '_');
}
