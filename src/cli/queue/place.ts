import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../../files/file-errors.ts';
import { makeOwnFolder } from '../../files/own-folder.ts';

const PROBE_BYTES = 4096;

/**
 * Makes the folder of the keys and journals of a worker, and proves that it takes files: a worker that cannot keep a key
 * must not take a job from those that can.
 * @throws MsmqCertError file-unwritable, disk-full, untrusted-path, insecure-file-system
 */
export async function requirePlace(out: string): Promise<void> {
  const probe = join(out, `.${randomBytes(8).toString('hex')}.probe`);
  try {
    await makeOwnFolder(out);
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    throw writeError(out, error);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
