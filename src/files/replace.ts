import { access, constants, type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MsmqCertError } from '../errors.ts';
import { syncFolder, unforeseenName } from './durable-files.ts';
import { writeError } from './file-errors.ts';
import { renameOver } from './rename.ts';

/** Bytes at a time from a file: few calls for a large file, little memory. */
const CHUNK_BYTES = 1024 * 1024;

export interface ByteRange {
  start: number;
  end: number;
}

/** Tells one state of a file from another. */
export async function stampOf(file: FileHandle | string): Promise<string> {
  const { dev, ino, size, mtimeNs } =
    typeof file === 'string' ? await stat(file, { bigint: true }) : await file.stat({ bigint: true });
  return [dev, ino, size, mtimeNs].join(':');
}

/** The bytes of an open file from `start` up to `end`; the file stays open. */
export async function* readBytes(handle: FileHandle, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  if (start >= end) return;
  const highWaterMark = Math.min(CHUNK_BYTES, end - start);
  yield* handle.createReadStream({ start, end: end - 1, autoClose: false, highWaterMark });
}

/**
 * A file without any write permission stays as it is, though it could be replaced by way of its folder.
 * @throws MsmqCertError file-unwritable
 */
export async function checkWritable(file: string): Promise<void> {
  try {
    await access(file, constants.W_OK);
    const { mode } = await stat(file);
    if ((mode & 0o222) !== 0) return;
  } catch (error) {
    throw writeError(file, error);
  }
  throw new MsmqCertError('file-unwritable', `${file} is read-only`, { hint: 'make the file writable and run again' });
}

/**
 * Writes a copy of an open file next to it, with other bytes in one range, and brings it to the disk. Mode is kept, the
 * owner where this account may.
 * @returns the name of the copy
 * @throws MsmqCertError disk-full, file-unwritable; nothing is left behind then
 */
export async function writeCopy(
  file: string,
  source: FileHandle,
  range: ByteRange,
  bytes: Uint8Array,
): Promise<string> {
  const copy = unforeseenName(file);
  try {
    const target = await open(copy, 'wx', 0o600);
    try {
      const { mode, uid, gid, size } = await source.stat();
      await target.writeFile(edited(source, size, range, bytes));
      await target.chown(uid, gid).catch(() => undefined);
      await target.chmod(mode & 0o7777);
      await target.sync();
    } finally {
      await target.close();
    }
    return copy;
  } catch (error) {
    await rm(copy, { force: true });
    throw writeError(file, error);
  }
}

async function* edited(
  source: FileHandle,
  size: number,
  range: ByteRange,
  bytes: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield* readBytes(source, { start: 0, end: range.start });
  yield bytes;
  yield* readBytes(source, { start: range.end, end: size });
}

/** Puts the copy in the place of the file, in one step. */
export async function moveInto(file: string, copy: string): Promise<void> {
  try {
    await renameOver(copy, file);
  } catch (error) {
    throw writeError(file, error);
  }
  // The rename has happened, whatever becomes of this: the system brings it to the disk by itself, too.
  await syncFolder(dirname(file)).catch(() => {});
}
