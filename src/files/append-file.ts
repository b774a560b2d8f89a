import { writeFileSync } from 'node:fs';
import { appendFile, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './durable-files.ts';
import { writeError } from './file-errors.ts';
import { openPrivate } from './private-files.ts';

/** A file that only grows, held open. */
export interface AppendFile {
  /**
   * Resolves when the text is on the disk. Texts that wait for the disk at the same time share one sync. After a failed
   * write nothing more is written: a file with a gap would be worse than one that ends.
   * @throws the system's error
   */
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes a new file that only this account can read, in a folder that is there.
 * @throws MsmqCertError insecure-file-system; the system's error, EEXIST when there is one
 */
export async function createAppendFile(path: string): Promise<AppendFile> {
  const file = appendTo(await openPrivate(path, 'ax'));
  await syncFolder(dirname(path));
  return file;
}

/** How much of a file is there, in bytes. */
export interface AppendedSize {
  /** Where the last whole line ends. */
  wholeBytes: number;
  /** What a crash left of a line after that. */
  tornBytes: number;
}

/**
 * Goes on after the last whole line of a file, and cuts away what a crash tore off after it; null when it was written to
 * since its size was taken.
 * @throws the system's error
 */
export async function continueAppendFile(
  path: string,
  { wholeBytes, tornBytes }: AppendedSize,
): Promise<AppendFile | null> {
  await using handle = await open(path, 'r+');
  if ((await handle.stat()).size !== wholeBytes + tornBytes) return null;
  await handle.truncate(wholeBytes);
  return appendTo(await open(path, 'a', 0o600));
}

function appendTo(handle: FileHandle): AppendFile {
  let waiting: string[] = [];
  let flushed: Promise<void> = Promise.resolve();

  const flush = async () => {
    const texts = waiting;
    waiting = [];
    await handle.appendFile(texts.join(''));
    await handle.datasync();
  };

  return {
    append(text) {
      waiting.push(text);
      if (waiting.length === 1) flushed = flushed.then(flush);
      return flushed;
    },
    async close() {
      await flushed.catch(() => {});
      await handle.close();
    },
  };
}

/**
 * Makes a new, empty file and appends texts to what stands under its name, one after the other, each on the disk when its
 * promise resolves.
 * @param exists what to do when there is one
 * @throws MsmqCertError file-exists, file-unwritable; from an append also disk-full
 */
export function createGrowingFile(file: string, exists: string): (text: string) => Promise<void> {
  try {
    writeFileSync(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw writeError(file, error, { exists });
  }
  let last = Promise.resolve();
  return (text) => {
    const written = last.then(() => appendText(file, text));
    last = written.catch(() => undefined);
    return written;
  };
}

async function appendText(file: string, text: string): Promise<void> {
  try {
    await appendFile(file, text, { mode: 0o600, flush: true });
  } catch (error) {
    throw writeError(file, error);
  }
}
