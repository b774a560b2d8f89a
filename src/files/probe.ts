import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from './file-errors.ts';
import { makeOwnFolder } from './own-folder.ts';

const PROBE_BYTES = 4096;

/**
 * Makes a folder for keys and journals, and proves that it takes files.
 * @throws MsmqCertError file-unwritable, disk-full, untrusted-path, insecure-file-system
 */
export async function makeProvenFolder(folder: string): Promise<void> {
  const probe = join(folder, `.${randomBytes(8).toString('hex')}.probe`);
  try {
    await makeOwnFolder(folder);
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
