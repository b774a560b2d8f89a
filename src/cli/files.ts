import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { MsmqCertError, systemCode } from '../errors.ts';

/**
 * Writes a file that does not exist yet and leaves nothing behind when that fails.
 * @throws MsmqCertError file-exists, disk-full, file-unwritable
 */
export async function writeNewFile(file: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode).catch((cause) => {
    throw notWritten(file, cause);
  });
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (cause) {
    await rm(file, { force: true });
    throw notWritten(file, cause);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file in one step, in place of what may be there under this name.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function replaceFile(file: string, content: string): Promise<void> {
  if (!(await isReplaceable(file))) {
    await writeFile(file, content).catch((cause) => {
      throw notWritten(file, cause);
    });
    return;
  }
  const temporary = `${file}.${randomUUID()}.tmp`;
  await writeNewFile(temporary, content, 0o600);
  try {
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw notWritten(file, cause);
  }
}

/** A terminal, a pipe or another device is written to as it is, never replaced. */
export async function isReplaceable(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => null);
  return stats === null || stats.isFile();
}

function notWritten(file: string, cause: unknown): MsmqCertError {
  const code = systemCode(cause);
  if (code === 'EEXIST') {
    return new MsmqCertError('file-exists', `${file} exists already`, {
      hint: 'name another file; none is overwritten',
      cause,
    });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MsmqCertError('disk-full', `there is no room for ${file}`, {
      hint: 'free some space or name another place',
      cause,
    });
  }
  return new MsmqCertError('file-unwritable', `${file} cannot be written: ${code ?? 'unknown error'}`, {
    hint: 'check the path and the rights',
    cause,
  });
}
