import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { command } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { type AppendedSize, type AppendFile, continueAppendFile, createAppendFile } from '../files/append-file.ts';
import { writeError } from '../files/file-errors.ts';
import { checkOwn, makeOwnFolder } from '../files/own-folder.ts';
import type { JournalRecord } from './records.ts';

/** Appends records to a journal file. */
export interface JournalFile {
  readonly path: string;
  /** Resolves when the record is on the disk. Records that wait for the disk at the same time share one sync. */
  append(record: JournalRecord): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the folder of a journal that is about to be made, where there is none.
 * @throws MsmqCertError file-unwritable, untrusted-path
 */
export async function makeJournalFolder(path: string): Promise<void> {
  try {
    await checkOwn(path);
    // a folder that is there may be one that everybody writes to, if only their own files
    if (!existsSync(dirname(path))) await makeOwnFolder(dirname(path));
  } catch (cause) {
    throw cause instanceof MsmqCertError ? cause : notWritten(path, cause);
  }
}

/**
 * Makes a new journal, in a folder that is there.
 * @throws MsmqCertError file-exists, file-unwritable, insecure-file-system
 */
export async function createJournalFile(path: string): Promise<JournalFile> {
  try {
    return recordsIn(path, await createAppendFile(path));
  } catch (cause) {
    throw cause instanceof MsmqCertError ? cause : notWritten(path, cause);
  }
}

/**
 * Goes on with a journal, after its last whole line; what a crash tore off after it is cut away.
 * @throws MsmqCertError file-locked when it was written to since it was read; file-unwritable, disk-full
 */
export async function continueJournalFile(path: string, size: AppendedSize): Promise<JournalFile> {
  const file = await continueAppendFile(path, size).catch((cause) => {
    throw notWritten(path, cause);
  });
  if (file === null) throw takenUp(path);
  return recordsIn(path, file);
}

function takenUp(path: string): MsmqCertError {
  return new MsmqCertError('file-locked', `another process has just gone on with the run of ${path}`, {
    hint: 'wait for it to end',
  });
}

function recordsIn(path: string, file: AppendFile): JournalFile {
  return {
    path,
    append: (record) =>
      file.append(`${JSON.stringify(record)}\n`).catch((cause) => {
        throw notWritten(path, cause);
      }),
    close: file.close,
  };
}

function notWritten(path: string, cause: unknown): MsmqCertError {
  const other = 'no write is made without a journal; name another place with --journal <file>';
  return writeError(`the journal ${path}`, cause, {
    exists: `name another file, or take up that run: ${command('resume', [path])}`,
    full: other,
    other,
  });
}
