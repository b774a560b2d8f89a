import { lstat, readdir } from 'node:fs/promises';
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
 * @throws MsmqCertError file-locked after about `waitMs`, at once when something else is in the place of the lock;
 * file-unwritable when the folder takes no lock
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
  if (await isForeign(lockOf(file))) throw lockBlocked(file);
  try {
    return await lock(file, {
      realpath: false,
      lockfilePath: lockOf(file),
      stale: staleMs,
      retries: { retries, minTimeout: 10, maxTimeout: LONGEST_PAUSE_MS, randomize: true },
      onCompromised,
    });
  } catch (error) {
    if (systemCode(error) === 'ELOCKED') throw fileLocked(file);
    throw (await isThere(lockOf(file))) ? lockBlocked(file, error) : writeError(file, error);
  }
}

function lockOf(file: string): string {
  return `${file}.lock`;
}

/** A lock is an empty folder: what is anything else would never be taken away by those who wait for it. */
async function isForeign(lockPath: string): Promise<boolean> {
  try {
    return !(await lstat(lockPath)).isDirectory() || (await readdir(lockPath)).length > 0;
  } catch {
    return false;
  }
}

async function isThere(lockPath: string): Promise<boolean> {
  return await lstat(lockPath).then(
    () => true,
    () => false,
  );
}

function lockBlocked(file: string, cause?: unknown): MsmqCertError {
  return new MsmqCertError('file-locked', `${lockOf(file)} is in the place of the lock of ${file}`, {
    hint: `a lock is an empty folder that this account may remove: look at ${lockOf(file)} and move it away`,
    cause,
  });
}

function fileLocked(file: string): MsmqCertError {
  return new MsmqCertError('file-locked', `another process is writing ${file}`, {
    hint: `wait until it is done and run again; if none is running, remove ${lockOf(file)}`,
  });
}
