import { rm } from 'node:fs/promises';
import { MAX_BLOB_BYTES } from '../../blob/codec.ts';
import type { Change, Pair } from '../../blob/pair.ts';
import { MsmqCertError } from '../../errors.ts';
import { writeError } from '../../files/file-errors.ts';
import { type ByteRange, moveInto, stampOf, writeCopy } from '../../files/replace.ts';
import type { SwapOutcome, User } from '../directory.ts';
import { editRecord, pairAfter } from './edit.ts';
import { type UserIndex, withReplaced } from './index.ts';
import type { Block } from './lines.ts';
import { readUser, type Snapshot, type Snapshots } from './snapshot.ts';

export interface LdifFile {
  file: string;
  /** What messages call the file. */
  source: string;
  snapshots: Snapshots;
}

/** A changed copy of the file, ready to take its place as long as the file still is what the copy was made of. */
interface Prepared {
  copy: string;
  madeOf: string;
  index: UserIndex;
}

/** The refusal of a directory for a blob above the limit of the schema; null when the change fits. */
export function limitRefusal(user: User, { blob }: Change): SwapOutcome | null {
  if (blob === null || blob.length <= MAX_BLOB_BYTES) return null;
  const message = `the certificates of ${user.account} would take ${blob.length} bytes of ${MAX_BLOB_BYTES}`;
  const hint = 'remove certificates that are no longer used, with prune or replace';
  return { kind: 'refused', error: new MsmqCertError('directory-limit', message, { hint }) };
}

/**
 * Swaps a pair in the file. The caller holds the lock of the file; `assertHeld` throws when it is lost.
 * @throws MsmqCertError user-not-found, invalid-ldif, file-unreadable, file-unwritable, file-locked, disk-full
 */
export async function swapInFile(
  target: LdifFile,
  user: User,
  before: Pair,
  change: Change,
  assertHeld: () => void,
): Promise<SwapOutcome> {
  const prepared = await target.snapshots.use((snapshot) => prepare(target, snapshot, user, before, change));
  return prepared === null ? { kind: 'conflict' } : await commit(target, prepared, assertHeld);
}

async function prepare(
  { file, source }: LdifFile,
  snapshot: Snapshot,
  user: User,
  before: Pair,
  change: Change,
): Promise<Prepared | null> {
  const { block, pair } = await readUser(snapshot, user, source);
  const after = pairAfter(pair, before, change);
  if (after === null) return null;
  const record = { ...block, bytes: editRecord(block, after) };
  return {
    copy: await writeCopy(file, snapshot.handle, rangeOf(block), record.bytes),
    madeOf: snapshot.stamp,
    index: withReplaced(await snapshot.index(), block, record),
  };
}

function rangeOf({ start, bytes }: Block): ByteRange {
  return { start, end: start + bytes.length };
}

/** Nothing was written when another program keeps the file; other failures pass through. */
function refusalOf(error: unknown): SwapOutcome {
  if (error instanceof MsmqCertError && error.code === 'file-locked') return { kind: 'refused', error };
  throw error;
}

/** The comparison of stamps catches a writer that does not know the lock. */
async function commit(target: LdifFile, prepared: Prepared, assertHeld: () => void): Promise<SwapOutcome> {
  const { file, snapshots } = target;
  try {
    assertHeld();
    if ((await stampOf(file)) !== prepared.madeOf) return { kind: 'conflict' };
    const stamp = await stampOf(prepared.copy);
    const refusal = await moveInto(file, prepared.copy).then(() => null, refusalOf);
    if (refusal !== null) return refusal;
    snapshots.note(stamp, prepared.index);
    return { kind: 'swapped' };
  } catch (error) {
    throw writeError(file, error);
  } finally {
    await rm(prepared.copy, { force: true });
  }
}
