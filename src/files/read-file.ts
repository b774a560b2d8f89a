import { closeSync, openSync, readSync, readFile as readWithCallback } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { MsmqCertError } from '../errors.ts';
import { type ReadAdvice, readError } from './file-errors.ts';

/** That of fs/promises makes a file handle each. */
const readFile = promisify(readWithCallback);

/** @param what begins the sentence when it fails, such as `the plan plan.json` */
export async function readWhole(file: string, what = file, advice: ReadAdvice = {}): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw readError(what, cause, advice);
  }
}

/** A file of UTF-8 text, without a byte order mark. See {@link readWhole}. */
export async function readText(file: string, what = file, advice: ReadAdvice = {}): Promise<string> {
  return (await readWhole(file, what, advice)).toString('utf8').replace(/^\uFEFF/, '');
}

const CHUNK_BYTES = 64 * 1024;

/** As {@link readText}, piece by piece, so that no more than one is in memory. */
export function* readPieces(file: string, what = file, advice: ReadAdvice = {}): Generator<string> {
  let opened: number | null = null;
  try {
    opened = openSync(file, 'r');
    const decoder = new TextDecoder();
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let bytes = readSync(opened, chunk); bytes > 0; bytes = readSync(opened, chunk)) {
      yield decoder.decode(chunk.subarray(0, bytes), { stream: true });
    }
    yield decoder.decode();
  } catch (cause) {
    throw readError(what, cause, advice);
  } finally {
    if (opened !== null) closeSync(opened);
  }
}

/** @throws MsmqCertError also when it is no plain file: that can only be read once */
export async function openPlainFile(file: string, what: string, advice: ReadAdvice): Promise<FileHandle> {
  try {
    if ((await stat(file)).isFile()) return await open(file, 'r');
  } catch (cause) {
    throw readError(what, cause, advice);
  }
  throw new MsmqCertError('file-unreadable', `${what} is not a plain file`, {
    hint: advice.hint ?? 'name a plain file',
  });
}

/** Bytes of a file. */
export interface Place {
  start: number;
  bytes: number;
}

/** Lends a way to read places of a file, each null when the file ends before it does. */
export function readPlaces<T>(file: string, what: string, task: (read: (place: Place) => Buffer | null) => T): T {
  let opened: number | null = null;
  try {
    const descriptor = openSync(file, 'r');
    opened = descriptor;
    return task(({ start, bytes }) => {
      const part = Buffer.allocUnsafe(bytes);
      return readSync(descriptor, part, 0, bytes, start) === bytes ? part : null;
    });
  } catch (cause) {
    throw readError(what, cause);
  } finally {
    if (opened !== null) closeSync(opened);
  }
}
