import type { FileHandle } from 'node:fs/promises';
import type { Pair } from '../../blob/pair.ts';
import { MsmqCertError } from '../../errors.ts';
import { openPlainFile } from '../../files/read-file.ts';
import { type ByteRange, readBytes, stampOf } from '../../files/replace.ts';
import type { User } from '../directory.ts';
import { dnKey } from '../names.ts';
import { type IndexOptions, indexUsers, placeOf, type UserIndex } from './index.ts';
import { type LdifRecord, parseRecord } from './ldif.ts';
import { type Block, notRead, readAdvice } from './lines.ts';
import { pairIn } from './users.ts';

/** One state of a file. A swap replaces the file and does not write into it, so the handle keeps showing this state. */
export interface Snapshot {
  handle: FileHandle;
  size: number;
  stamp: string;
  /** Names and places of the users, made when it is first asked for. */
  index(): Promise<UserIndex>;
}

export interface Snapshots {
  /** The file as it is now; the caller closes the handle. */
  take(): Promise<Snapshot>;
  /** Runs a task on the file as it is now. */
  use<T>(task: (snapshot: Snapshot) => T | Promise<T>): Promise<T>;
  /** Saves reading the file again: with this stamp it has this index. */
  note(stamp: string, index: UserIndex): void;
}

/** `source` is what messages call the file. The index is made only when it is used, and again when the file has changed. */
export function snapshotsOf(file: string, source: string, options: IndexOptions): Snapshots {
  let known: { stamp: string; index: Promise<UserIndex> } | null = null;

  function indexOf(handle: FileHandle, stamp: string, size: number): Promise<UserIndex> {
    if (known?.stamp === stamp) return known.index;
    const index = indexUsers(readBytes(handle, { start: 0, end: size }), source, options).catch((error) => {
      if (known?.stamp === stamp) known = null;
      throw notRead(source, error);
    });
    known = { stamp, index };
    return index;
  }

  async function take(): Promise<Snapshot> {
    const handle = await openPlainFile(file, source, readAdvice(source));
    try {
      const stamp = await stampOf(handle);
      const { size } = await handle.stat();
      return { handle, size, stamp, index: () => indexOf(handle, stamp, size) };
    } catch (error) {
      await handle.close();
      throw notRead(source, error);
    }
  }

  return {
    take,
    async use(task) {
      const snapshot = await take();
      try {
        return await task(snapshot);
      } finally {
        await snapshot.handle.close();
      }
    },
    note(stamp, index) {
      known = { stamp, index: Promise.resolve(index) };
    },
  };
}

/** The record of one user: its bytes, what it says, and the pair in it. */
export async function readUser(
  snapshot: Snapshot,
  user: User,
  source: string,
): Promise<{ block: Block; record: LdifRecord; pair: Pair }> {
  const place = placeOf(await snapshot.index(), user.dn);
  const block = { bytes: await readRange(snapshot.handle, place), start: place.start, line: place.line };
  const record = parseRecord(block, { source });
  if (record === null || dnKey(record.dn) !== dnKey(user.dn)) {
    throw new MsmqCertError('file-unreadable', `another program wrote into ${source} while it was read`, {
      hint: 'run again when no other program writes the file',
    });
  }
  return { block, record, pair: pairIn(record, source) };
}

async function readRange(handle: FileHandle, range: ByteRange): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of readBytes(handle, range)) parts.push(part);
  return Buffer.concat(parts);
}
