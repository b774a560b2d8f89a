import { createReadStream } from 'node:fs';
import { userKey } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { unreadable } from '../files/file-errors.ts';
import type { Target } from '../plan/request.ts';
import type { JournalSize } from './file.ts';
import { type JournalRecord, type RecordOf, recordSchema } from './records.ts';

/** What a journal says of one user. */
export interface UserHistory {
  /** Each swap that was tried, in order; `outcome` is null when the run ended before it knew. */
  swaps: { intent: RecordOf<'intent'>; outcome: RecordOf<'outcome'> | null }[];
  hooks: RecordOf<'hook'>[];
  /** The key sets that the run made for the user; a dropped one is not used any more, if a kill has not left it there. */
  keys: (RecordOf<'key'> & { dropped: boolean; taken: boolean })[];
}

export interface JournalHistory extends JournalSize {
  run: RecordOf<'run'>;
  targets: Target[];
  /** Whether the targets are all there: a run that crashed while it wrote them has changed nothing yet. */
  complete: boolean;
  /** By {@link userKey}. */
  users: Map<string, UserHistory>;
  /** The counts at its end; null when it was cut short. */
  end: RecordOf<'end'> | null;
  undone: boolean;
  /** Whether one of its processes was asked to deliver what it registers. */
  delivers: boolean;
}

/**
 * Reads a journal. A last line that a crash tore is accepted and said in `tornBytes`.
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
    else add(history, record, path, line);
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

function hasFailedHook({ hooks }: UserHistory): boolean {
  const last = new Map(hooks.map(({ digest, outcome }) => [digest, outcome]));
  return [...last.values()].includes('failed');
}

function begin(record: JournalRecord, path: string): JournalHistory {
  if (record.type !== 'run') throw corrupt(path, 1);
  return {
    run: record,
    targets: [],
    complete: false,
    users: new Map(),
    end: null,
    undone: false,
    delivers: record.delivers ?? false,
    wholeBytes: 0,
    tornBytes: 0,
  };
}

function add(history: JournalHistory, record: JournalRecord, path: string, line: number): void {
  switch (record.type) {
    case 'run':
      throw corrupt(path, line);
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
    case 'key':
      historyOf(history, userKey(record.user)).keys.push({ ...record, dropped: false, taken: false });
      break;
    case 'key-taken':
    case 'key-dropped': {
      const mark = record.type === 'key-taken' ? 'taken' : 'dropped';
      for (const key of historyOf(history, record.user).keys) if (key.digest === record.digest) key[mark] = true;
      break;
    }
    case 'undone':
      history.undone = true;
      break;
    case 'intent':
      historyOf(history, userKey(record.user)).swaps.push({ intent: record, outcome: null });
      break;
    case 'outcome': {
      const swap = historyOf(history, record.user).swaps.at(-1);
      if (swap === undefined) throw corrupt(path, line);
      swap.outcome = record;
      break;
    }
    case 'hook':
      historyOf(history, record.user).hooks.push(record);
      break;
    case 'end':
      history.end = record;
      break;
  }
}

function historyOf(history: JournalHistory, key: string): UserHistory {
  const known = history.users.get(key);
  if (known !== undefined) return known;
  const fresh: UserHistory = { swaps: [], hooks: [], keys: [] };
  history.users.set(key, fresh);
  return fresh;
}

function parseRecord(text: string): JournalRecord | null {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return null;
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
    throw unreadable(`the journal ${path}`, cause);
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
