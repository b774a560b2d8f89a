import { createReadStream } from 'node:fs';
import { MsmqCertError } from '../errors.ts';
import type { AppendedSize } from '../files/append-file.ts';
import { readError } from '../files/file-errors.ts';
import type { Place } from '../files/read-file.ts';
import { jsonList, type PackedList } from '../packed/packed-list.ts';
import type { Target } from '../plan/request.ts';
import type { JournalRecord, RecordOf } from './records.ts';
import { type IndexedUser, noteRecord, parseRecord, readUser, type UserHistory, type UserIndex } from './users.ts';

export interface JournalHistory extends AppendedSize {
  run: RecordOf<'run'>;
  targets: PackedList<Target>;
  /** Whether the targets are all there: a run that crashed while it wrote them has changed nothing yet. */
  complete: boolean;
  path: string;
  /** By {@link userKey}. */
  users: UserIndex;
  /** What it says of a user, read when it is asked for; undefined when nothing. */
  of(key: string): UserHistory | undefined;
  /** The counts at its end; null when it was cut short. */
  end: RecordOf<'end'> | null;
  undone: boolean;
  /** Whether one of its processes was asked to deliver what it registers. */
  delivers: boolean;
}

/**
 * Reads a journal, and keeps of it where it speaks of whom. A last line that a crash tore is accepted and said in `tornBytes`.
 * @throws MsmqCertError file-unreadable, invalid-journal
 */
export async function readJournal(path: string): Promise<JournalHistory> {
  let history: JournalHistory | null = null;
  let line = 0;
  for await (const { text, end, whole } of linesOf(path)) {
    line++;
    const record = whole ? parseRecord(text) : null;
    if (record === null) {
      if (whole || history === null) throw corrupt(path, line);
      history.tornBytes = end - history.wholeBytes;
      continue;
    }
    if (history === null) history = begin(record, path);
    else add(history, record, { start: history.wholeBytes, bytes: end - 1 - history.wholeBytes }, line);
    history.wholeBytes = end;
  }
  if (history === null) throw corrupt(path, 1);
  return history;
}

/** Whether nothing is left to go on with: it came to its end, and nothing failed. */
export function isFinished({ end, undone, users }: JournalHistory): boolean {
  if (undone) return true;
  return end !== null && (end.summary['failed'] ?? 0) === 0 && ![...users.values()].some(hasFailedHook);
}

function hasFailedHook({ undelivered }: IndexedUser): boolean {
  return undelivered !== null && undelivered.size > 0;
}

function begin(record: JournalRecord, path: string): JournalHistory {
  if (record.type !== 'run') throw corrupt(path, 1);
  const users: UserIndex = new Map();
  return {
    run: record,
    targets: jsonList(),
    complete: false,
    path,
    users,
    of(key) {
      const user = users.get(key);
      return user === undefined ? undefined : readUser(path, user);
    },
    end: null,
    undone: false,
    delivers: record.delivers ?? false,
    wholeBytes: 0,
    tornBytes: 0,
  };
}

function add(history: JournalHistory, record: JournalRecord, place: Place, line: number): void {
  switch (record.type) {
    case 'run':
      throw corrupt(history.path, line);
    case 'target':
      history.targets.push({ name: record.name, wanted: record.wanted });
      break;
    case 'targets-complete':
      history.complete = true;
      break;
    case 'resumed':
      history.end = null;
      history.delivers ||= record.delivers ?? false;
      break;
    case 'undone':
      history.undone = true;
      break;
    case 'key':
    case 'key-taken':
    case 'key-dropped':
    case 'intent':
    case 'outcome':
    case 'hook':
      if (!noteRecord(history.users, record, place)) throw corrupt(history.path, line);
      break;
    case 'end':
      history.end = record;
      break;
  }
}

interface Line {
  text: string;
  /** The byte after it, with its line end. */
  end: number;
  /** Whether its line end is there. */
  whole: boolean;
}

async function* linesOf(path: string): AsyncIterable<Line> {
  let pieces: Buffer[] = [];
  let end = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      let start = 0;
      for (let stop = chunk.indexOf(10); stop >= 0; stop = chunk.indexOf(10, start)) {
        pieces.push(chunk.subarray(start, stop));
        const text = Buffer.concat(pieces);
        pieces = [];
        end += text.length + 1;
        start = stop + 1;
        yield { text: text.toString('utf8'), end, whole: true };
      }
      if (start < chunk.length) pieces.push(chunk.subarray(start));
    }
  } catch (cause) {
    throw readError(`the journal ${path}`, cause);
  }
  const rest = Buffer.concat(pieces);
  if (rest.length > 0) yield { text: rest.toString('utf8'), end: end + rest.length, whole: false };
}

function corrupt(path: string, line: number): MsmqCertError {
  return new MsmqCertError(
    'invalid-journal',
    `the journal ${path} cannot be trusted: line ${line} is not what was written`,
    {
      hint: 'nothing was changed; if a copy of the journal exists, use it, or look at the users with msmq-cert list',
    },
  );
}
