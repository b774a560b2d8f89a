import { lock } from 'proper-lockfile';
import { MsmqCertError, systemCode } from '../errors.ts';
import { writeError } from './file-errors.ts';

/** How long to wait for a lock, in milliseconds. */
export interface Patience {
  waitMs: number;
  /** A holder that has not touched its lock for so long was killed; a living one touches it twice as often. At least 2000. */
  staleMs: number;
}

const LONGEST_PAUSE_MS = 250;

/**
 * Runs a task while no other process holds the lock of this file. `assertHeld` throws when the lock was lost meanwhile,
 * because this process stood still for longer than a living holder may.
 * @throws MsmqCertError file-locked after about `waitMs`, file-unwritable when the folder takes no lock
 */
export async function withFileLock<T>(
  file: string,
  patience: Patience,
  task: (assertHeld: () => void) => Promise<T>,
): Promise<T> {
  let lost = false;
  const onCompromised = () => {
    lost = true;
  };
  const release = await acquire(file, patience, onCompromised);
  try {
    return await task(() => {
      if (lost) throw fileLocked(file);
    });
  } finally {
    // The task has happened or not by now; a lock that cannot be taken away goes stale by itself.
    await release().catch(() => undefined);
  }
}

async function acquire(
  file: string,
  { waitMs, staleMs }: Patience,
  onCompromised: () => void,
): Promise<() => Promise<void>> {
  const retries = Math.ceil(waitMs / LONGEST_PAUSE_MS);
  try {
    return await lock(file, {
      realpath: false,
      stale: staleMs,
      retries: { retries, minTimeout: 10, maxTimeout: LONGEST_PAUSE_MS, randomize: true },
      onCompromised,
    });
  } catch (error) {
    throw systemCode(error) === 'ELOCKED' ? fileLocked(file) : writeError(file, error);
  }
}

function fileLocked(file: string): MsmqCertError {
  return new MsmqCertError('file-locked', `another process is writing ${file}`, {
    hint: `wait until it is done and run again; if none is running, remove ${file}.lock`,
  });
}
