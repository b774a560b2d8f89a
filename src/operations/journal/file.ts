import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MsmqCertError, systemCode } from '../../errors.ts';
import type { JournalRecord } from './records.ts';

/** Appends records to a journal file. */
export interface JournalFile {
  readonly path: string;
  /** Resolves when the record is on the disk. Records that wait for the disk at the same time share one sync. */
  append(record: JournalRecord): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes a new journal.
 * @throws MsmqCertError file-exists, file-unwritable
 */
export async function createJournalFile(path: string): Promise<JournalFile> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return appendTo(path, await open(path, 'ax', 0o600));
  } catch (cause) {
    throw notWritten(path, cause);
  }
}

/**
 * Goes on with a journal, after its last whole line.
 * @param wholeBytes where that line ends: what a crash tore off after it is cut away
 */
export async function continueJournalFile(path: string, wholeBytes: number): Promise<JournalFile> {
  try {
    const handle = await open(path, 'r+');
    await handle.truncate(wholeBytes);
    await handle.close();
    return appendTo(path, await open(path, 'a', 0o600));
  } catch (cause) {
    throw notWritten(path, cause);
  }
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
  const code = systemCode(cause);
  if (code === 'EEXIST') {
    return new MsmqCertError('file-exists', `the journal ${path} exists already`, {
      hint: 'name another file, or take up that run with msmq-cert resume',
      cause,
    });
  }
  const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'file-unwritable';
  return new MsmqCertError(kind, `the journal ${path} cannot be written: ${code ?? 'unknown error'}`, {
    hint: 'no write is made without a journal; name another place with --journal <file>',
    cause,
  });
}
