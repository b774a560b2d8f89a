import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { command } from '../advice.ts';
import { MsmqCertError } from '../errors.ts';
import { syncFolder } from '../files/durable-files.ts';
import { writeError } from '../files/file-errors.ts';
import { checkOwn, makeOwnFolder } from '../files/own-folder.ts';
import { openPrivate } from '../files/private-files.ts';
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
    const file = appendTo(path, await openPrivate(path, 'ax'));
    await syncFolder(dirname(path));
    return file;
  } catch (cause) {
    throw cause instanceof MsmqCertError ? cause : notWritten(path, cause);
  }
}

/** What was read of a journal, in bytes. */
export interface JournalSize {
  /** Where the last whole line ends. */
  wholeBytes: number;
  /** What a crash left of a line after that. */
  tornBytes: number;
}

/**
 * Goes on with a journal, after its last whole line; what a crash tore off after it is cut away.
 * @throws MsmqCertError file-locked when it was written to since it was read; file-unwritable, disk-full
 */
export async function continueJournalFile(path: string, { wholeBytes, tornBytes }: JournalSize): Promise<JournalFile> {
  try {
    await using handle = await open(path, 'r+');
    if ((await handle.stat()).size !== wholeBytes + tornBytes) throw takenUp(path);
    await handle.truncate(wholeBytes);
    return appendTo(path, await open(path, 'a', 0o600));
  } catch (cause) {
    throw cause instanceof MsmqCertError ? cause : notWritten(path, cause);
  }
}

function takenUp(path: string): MsmqCertError {
  return new MsmqCertError('file-locked', `another process has just gone on with the run of ${path}`, {
    hint: 'wait for it to end',
  });
}

function appendTo(path: string, handle: FileHandle): JournalFile {
  let waiting: string[] = [];
  let flushed: Promise<void> = Promise.resolve();

  const flush = async () => {
    const lines = waiting;
    waiting = [];
    await handle.appendFile(lines.join(''));
    await handle.datasync();
  };

  return {
    path,
    append(record) {
      waiting.push(`${JSON.stringify(record)}\n`);
      // After a failed write nothing more is written: a journal with a gap would be worse than one that ends.
      if (waiting.length === 1) flushed = flushed.then(flush);
      return flushed.catch((cause) => {
        throw notWritten(path, cause);
      });
    },
    async close() {
      await flushed.catch(() => {});
      await handle.close();
    },
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
