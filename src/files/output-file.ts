import { chmod, constants, lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { syncFolder, unforeseenName } from './durable-files.ts';
import { writeError } from './file-errors.ts';
import { openPrivate } from './private-files.ts';
import { renameOver } from './rename.ts';

/** Appends a piece to the file. @throws MsmqCertError disk-full, file-unwritable */
export type Write = (piece: Uint8Array | string) => Promise<void>;

/**
 * Writes a file that does not exist yet, at once or piece by piece, and leaves nothing behind when that fails. It is on
 * the disk, with its name, before this resolves.
 * @throws MsmqCertError file-exists, disk-full, file-unwritable; what `content` throws
 */
export async function createFile(
  file: string,
  content: Uint8Array | string | ((write: Write) => Promise<void>),
  mode: number,
): Promise<void> {
  const failed = (cause: unknown): never => {
    throw writeError(file, cause);
  };
  const opening = mode === 0o600 ? openPrivate(file, 'wx', 'or-not') : open(file, 'wx', mode);
  const handle = await opening.catch(failed);
  const write: Write = (piece) => handle.appendFile(piece).catch(failed);
  try {
    await (typeof content === 'function' ? content(write) : write(content));
    await handle.sync().catch(failed);
    await syncFolder(dirname(file)).catch(failed);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file in one step, in place of what may be there under this name. Only its owner can read it unless `mode` says
 * otherwise, whatever the umask.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function replaceFile(file: string, content: string, mode = 0o600): Promise<void> {
  const output = await openOutput(file, mode);
  output.stream.end(content);
  await output.commit();
}

/** A file that is being written. */
export interface OutputFile {
  stream: Writable;
  /**
   * Waits until all is written, to the disk, and gives the file its name, in the place of an older one.
   * @throws MsmqCertError disk-full, file-unwritable; then the older one is there as before
   */
  commit(): Promise<void>;
  /** Forgets what was written. */
  discard(): Promise<void>;
}

/**
 * Opens a file that appears under its name when it is complete. Until then it has a name that nobody can foresee, in the
 * same folder; a link that stands under its own name is replaced and never followed.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function openOutput(file: string, mode = 0o600): Promise<OutputFile> {
  if (await isDevice(file)) return await openDevice(file);
  const temporary = unforeseenName(file);
  const opening = mode === 0o600 ? openPrivate(temporary, 'wx', 'or-not') : open(temporary, 'wx', 0o600);
  const handle = await opening.catch((cause) => {
    throw writeError(file, cause);
  });
  const stream = handle.createWriteStream({ flush: true });
  const written = finished(stream);
  // Whoever commits sees the failure.
  written.catch(() => {});
  const discard = async () => {
    stream.destroy();
    await written.catch(() => {});
    await rm(temporary, { force: true });
  };
  return {
    stream,
    discard,
    async commit() {
      try {
        await written;
        if (mode !== 0o600) await chmod(temporary, mode);
        await renameOver(temporary, file);
      } catch (cause) {
        await discard();
        throw writeError(file, cause);
      }
    },
  };
}

/**
 * A terminal, a pipe or another device is written to as it is, also by a link of the system such as /dev/stdout, unless
 * somebody else has put it there.
 */
async function isDevice(file: string): Promise<boolean> {
  const stats = await lstat(file).catch(() => null);
  if (stats === null || (stats.uid !== 0 && stats.uid !== process.geteuid?.())) return false;
  if (stats.isSymbolicLink()) return /^\/(dev|proc)\//.test(file);
  return stats.isFIFO() || stats.isCharacterDevice() || stats.isSocket();
}

async function openDevice(file: string): Promise<OutputFile> {
  const handle = await open(file, constants.O_WRONLY).catch((cause) => {
    throw writeError(file, cause);
  });
  const stream = handle.createWriteStream();
  const written = finished(stream);
  written.catch(() => {});
  return {
    stream,
    commit: () =>
      written.catch((cause) => {
        throw writeError(file, cause);
      }),
    discard: async () => {
      stream.destroy();
    },
  };
}
