import { userKey } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { type Place, readPlaces } from '../files/read-file.ts';
import { type JournalRecord, type RecordOf, recordSchema } from './records.ts';

/** What a journal says of one user. */
export interface UserHistory {
  /** Each swap that was tried, in order; `outcome` is null when the run ended before it knew. */
  swaps: { intent: RecordOf<'intent'>; outcome: RecordOf<'outcome'> | null }[];
  hooks: RecordOf<'hook'>[];
  /** The key sets that the run made for the user; a dropped one is not used any more, if a kill has not left it there. */
  keys: (RecordOf<'key'> & { dropped: boolean; taken: boolean })[];
}

/**
 * Where a journal speaks of a user, and the little that is asked of all users at once: the values that it holds, which
 * are most of it, stay on the disk.
 */
export interface IndexedUser {
  /** Where each line about the user begins and how many bytes it has, in turn. */
  lines: number[];
  /** How the last swap names the user, by SID or else DN; null without one. */
  name: string | null;
  /** What became of the last swap. */
  last: RecordOf<'outcome'>['outcome'] | 'unknown' | null;
  /** An earlier swap than the last was carried out, or may have been. */
  isWrittenBefore: boolean;
  /** Certificates whose last delivery failed; null when none did. */
  undelivered: Set<string | null> | null;
}

export type UserIndex = Map<string, IndexedUser>;
type UserRecord = RecordOf<'key' | 'key-taken' | 'key-dropped' | 'intent' | 'outcome' | 'hook'>;

/** Notes one line; false when it tells the end of something that never began. */
export function noteRecord(users: UserIndex, record: UserRecord, { start, bytes }: Place): boolean {
  const key = typeof record.user === 'string' ? record.user : userKey(record.user);
  const user = users.get(key) ?? addUser(users, key);
  user.lines.push(start, bytes);
  if (record.type === 'intent') {
    user.isWrittenBefore = mayBeWritten(user);
    user.name = record.user.sid ?? record.user.dn;
    user.last = 'unknown';
  }
  if (record.type === 'outcome') {
    if (user.last === null) return false;
    user.last = record.outcome;
  }
  if (record.type === 'hook') noteHook(user, record);
  return true;
}

function addUser(users: UserIndex, key: string): IndexedUser {
  const fresh: IndexedUser = { lines: [], name: null, last: null, isWrittenBefore: false, undelivered: null };
  users.set(key, fresh);
  return fresh;
}

function noteHook(user: IndexedUser, { digest, outcome }: RecordOf<'hook'>): void {
  user.undelivered ??= new Set();
  if (outcome === 'failed') user.undelivered.add(digest);
  else user.undelivered.delete(digest);
}

/** Whether a swap of the user was carried out, as far as the journal knows, or may have been. */
export function mayBeWritten({ last, isWrittenBefore }: IndexedUser): boolean {
  return last === 'swapped' || last === 'unknown' || isWrittenBefore;
}

/**
 * Reads what a journal says of one user.
 * @throws MsmqCertError file-unreadable, invalid-journal when it is not what it was when the index was made
 */
export function readUser(path: string, { lines }: IndexedUser): UserHistory {
  const history: UserHistory = { swaps: [], hooks: [], keys: [] };
  readPlaces(path, `the journal ${path}`, (read) => {
    for (let index = 0; index < lines.length; index += 2) {
      const line = read({ start: lines[index] ?? 0, bytes: lines[index + 1] ?? 0 });
      const record = line === null ? null : parseRecord(line.toString('utf8'));
      if (record === null || !addRecord(history, record)) throw changed(path);
    }
  });
  return history;
}

function addRecord(history: UserHistory, record: JournalRecord): boolean {
  switch (record.type) {
    case 'key':
      history.keys.push({ ...record, dropped: false, taken: false });
      return true;
    case 'key-taken':
    case 'key-dropped': {
      const mark = record.type === 'key-taken' ? 'taken' : 'dropped';
      for (const key of history.keys) if (key.digest === record.digest) key[mark] = true;
      return true;
    }
    case 'intent':
      history.swaps.push({ intent: record, outcome: null });
      return true;
    case 'outcome': {
      const swap = history.swaps.at(-1);
      if (swap !== undefined) swap.outcome = record;
      return swap !== undefined;
    }
    case 'hook':
      history.hooks.push(record);
      return true;
    default:
      return false;
  }
}

/** The record of a line; null when it is none. */
export function parseRecord(text: string): JournalRecord | null {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function changed(path: string): MsmqCertError {
  return new MsmqCertError('invalid-journal', `the journal ${path} was changed while it was in use`, {
    hint: 'find out what else writes to it, then run the same command again',
  });
}
