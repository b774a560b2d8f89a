import { realpath } from 'node:fs/promises';
import type { Change, Pair } from '../../blob/pair.ts';
import { MsmqCertError } from '../../errors.ts';
import { withFileLock } from '../../files/lock.ts';
import { checkWritable } from '../../files/replace.ts';
import type { Directory, Listing, SwapOutcome, User } from '../directory.ts';
import type { Replicated } from '../replicas.ts';
import { findUser, type IndexOptions } from './index.ts';
import { notRead } from './lines.ts';
import { listingOf } from './listing.ts';
import { readUser, snapshotsOf } from './snapshot.ts';
import { type LdifFile, limitRefusal, swapInFile } from './swap.ts';

/** A large file on a slow disk keeps a process from touching its lock for a while. */
const STALE_LOCK_MS = 10_000;

export interface LdifFileOptions extends IndexOptions {
  /** How long a swap waits for other processes that write the file, in milliseconds; 30 seconds by default. */
  lockWaitMs?: number;
  /**
   * When to read the names of all users, which takes memory for each of them. `at-open`, the default, so that a broken
   * file is refused at once; `when-needed` for listings, which do without.
   */
  index?: 'at-open' | 'when-needed';
}

/** A directory that is one LDIF file. */
export type LdifDirectory = Directory & Listing & Replicated;

/**
 * Opens an LDIF file as a directory. It is read once for the names and places of its users, and again when somebody
 * else has changed it. A swap changes one record in one step and is on the disk when it answers; processes that swap at
 * the same time wait for each other. A symbolic link is followed.
 * @throws MsmqCertError file-unreadable, invalid-ldif; from a swap also file-unwritable, file-locked, disk-full
 */
export async function openLdifFile(path: string, options: LdifFileOptions = {}): Promise<LdifDirectory> {
  const file = await resolved(path);
  const snapshots = snapshotsOf(file, path, options);
  const target: LdifFile = { file, source: path, snapshots };
  const lockedSwap = swapper(target, options.lockWaitMs ?? 30_000);
  await snapshots.use((snapshot) => (options.index === 'when-needed' ? undefined : snapshot.index()));
  return {
    server: path,
    findUser: (name) => snapshots.use(async ({ index }) => findUser(await index(), name)),
    read: (user) => snapshots.use(async (snapshot) => (await readUser(snapshot, user, path)).pair),
    swap: async (user, before, change) => limitRefusal(user, change) ?? (await lockedSwap(user, before, change)),
    ...listingOf(snapshots, path, options),
    replicas: async () => {
      throw noReplicas(path);
    },
    close: async () => {},
  };
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw notRead(path, error);
  }
}

/** Swaps of this process stand in line here, so that only one at a time tries for the lock of the file. */
function swapper(target: LdifFile, lockWaitMs: number): Directory['swap'] {
  let last: Promise<unknown> = Promise.resolve();
  const swap = async (user: User, before: Pair, change: Change): Promise<SwapOutcome> => {
    await checkWritable(target.file);
    return await withFileLock(target.file, { waitMs: lockWaitMs, staleMs: STALE_LOCK_MS }, (assertHeld) =>
      swapInFile(target, user, before, change, assertHeld),
    );
  };
  return (user, before, change) => {
    const outcome = last.then(() => swap(user, before, change));
    last = outcome.catch(() => undefined);
    return outcome;
  };
}

function noReplicas(file: string): MsmqCertError {
  return new MsmqCertError('usage', `${file} is a single file: there is nothing for it to replicate to`, {
    hint: 'name a domain controller with --directory ldaps://dc1.corp.example',
  });
}
