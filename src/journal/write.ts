import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { toHex } from '../blob/digest.ts';
import { applyChange } from '../blob/edit.ts';
import { type Change, pairKey } from '../blob/pair.ts';
import type { Custody } from '../certificate/key-files/custody.ts';
import type { KeyFiles } from '../certificate/key-files/key-files.ts';
import { type User, userKey } from '../directory/directory.ts';
import type { Shard } from '../directory/shard.ts';
import type { MsmqCertError } from '../errors.ts';
import { beginHeartbeat, type Heartbeat, PULSE, takeHeartbeat } from '../files/heartbeat.ts';
import { checkOwn } from '../files/own-folder.ts';
import type { Sequence } from '../packed/packed-list.ts';
import type { UserPlan } from '../plan/plan.ts';
import type { Everyone, KeySettingsRecord, Request, Target } from '../plan/request.ts';
import type { ItemResult, Summary } from '../plan/results.ts';
import { continueJournalFile, createJournalFile, type JournalFile, makeJournalFolder } from './file.ts';
import { type JournalHistory, readJournal } from './read.ts';
import { type JournalItem, type JournalRecord, pairRecord, type RecordOf } from './records.ts';

/**
 * Writes down what a run is about to do and what became of it. Each record is on the disk when its promise resolves.
 * Whatever must not happen when another process has taken the run up is written down first and then done after
 * `assertHeld`: the other one reads the journal when it has taken it, so it knows of it.
 */
export interface Journal {
  /** Before the files of a key set are made. */
  key(user: User, machine: string, digest: string, files: KeyFiles, custody: Custody): Promise<void>;
  /** After a key sink has taken the key, and before its certificate is written. */
  keyTaken(user: User, digest: string): Promise<void>;
  /** Before they are removed or set aside. */
  dropKey(user: User, digest: string): Promise<void>;
  /** Before a swap: what is about to be written over what. */
  intend(server: string, plan: UserPlan, change: Change, items: readonly ItemResult[]): Promise<void>;
  /** After the swap. */
  conclude(user: User, outcome: 'swapped' | 'conflict' | 'refused', error: MsmqCertError | null): Promise<void>;
  hook(user: User, item: ItemResult, outcome: 'done' | 'failed', status: string, output: string): Promise<void>;
  /** Before the first write that puts back what the run found. */
  undo(): Promise<void>;
  end(summary: Summary): Promise<void>;
  /** @throws MsmqCertError file-locked when another process has taken it up */
  assertHeld(): Promise<void>;
  /** Aborted when another process has taken it up. */
  readonly lost: AbortSignal;
  /** Unless it has its end, or was undone, the next process can go on with it at once. */
  close(): Promise<void>;
  /** Closes it and removes it: there is nothing to tell. */
  abandon(): Promise<void>;
}

/** For runs that change nothing. */
export const noJournal: Journal = {
  key: async () => {},
  keyTaken: async () => {},
  dropKey: async () => {},
  intend: async () => {},
  conclude: async () => {},
  hook: async () => {},
  undo: async () => {},
  end: async () => {},
  assertHeld: async () => {},
  lost: new AbortController().signal,
  close: async () => {},
  abandon: async () => {},
};

/** What a run is, for its journal. */
export interface RunHeader {
  request: Request;
  targets: Sequence<Target>;
  /** Whom it is for when there are no targets: nobody is written down before there is something to do. */
  everyone?: Everyone;
  /** The part of the users that it is for; not there for all. */
  shard?: Shard;
  /** The run of a queue that a worker works on; its users come from the queue. */
  queued?: string;
  keys: KeySettingsRecord;
  /** The directory as it was named, and the server that answers. */
  directory: string;
  server: string;
  bind: string | null;
  /** Whether what it registers is to be delivered too. */
  delivers: boolean;
}

/** Equal for two runs that were asked for the same, whenever they started. */
export function fingerprintOf({
  request,
  targets,
  everyone,
  shard,
  queued,
  keys,
  directory,
}: Pick<RunHeader, 'request' | 'targets' | 'everyone' | 'shard' | 'queued' | 'keys' | 'directory'>): string {
  const addressed = [everyone, shard, queued].filter((each) => each !== undefined);
  const asked = [request, keys, directory, ...addressed];
  const timeless = JSON.stringify(asked, (key, value) => (key === 'nowMs' ? undefined : value));
  const asText = createHash('sha256').update(timeless);
  for (const target of targets) asText.update(`\n${JSON.stringify(target)}`);
  if (targets.length === 0) asText.update('\n');
  return asText.digest('hex').slice(0, 16);
}

/**
 * Begins the journal of a run.
 * @throws MsmqCertError file-exists, file-unwritable, disk-full, untrusted-path
 */
export async function beginJournal(path: string, header: RunHeader, pulse = PULSE): Promise<Journal> {
  await makeJournalFolder(path);
  const heartbeat = await beginHeartbeat(path, pulse);
  try {
    const file = await createJournalFile(path);
    await writeHead(file, header);
    return journalIn(file, heartbeat, false);
  } catch (error) {
    await heartbeat.release('ended');
    throw error;
  }
}

/** So many wait in memory for one sync of the disk. */
const TARGETS_AT_A_TIME = 1000;

async function writeHead(file: JournalFile, header: RunHeader): Promise<void> {
  const { targets, ...facts } = header;
  let waiting = [
    file.append({
      type: 'run',
      schema: 1,
      run: randomUUID(),
      at: now(),
      by: whoRuns(),
      fingerprint: fingerprintOf(header),
      ...facts,
    }),
  ];
  for (const { name, wanted } of targets) {
    waiting.push(file.append({ type: 'target', name, wanted }));
    if (waiting.length < TARGETS_AT_A_TIME) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all([...waiting, file.append({ type: 'targets-complete', at: now() })]);
}

/** A journal that this process has taken: nobody else writes to it until it is closed or gone on with. */
export interface TakenJournal {
  path: string;
  /** As it was read after it was taken. */
  history: JournalHistory;
  heartbeat: Heartbeat;
}

/**
 * Takes a journal and reads it; null when its run is at work.
 * @param onWait called when it takes a few seconds to tell
 * @throws MsmqCertError untrusted-path, file-unwritable, and what readJournal refuses
 */
export async function takeJournal(path: string, onWait: () => void, pulse = PULSE): Promise<TakenJournal | null> {
  await checkOwn(path);
  const { end } = await readJournal(path);
  const heartbeat = await takeHeartbeat(path, end !== null, onWait, pulse);
  if (heartbeat === null) return null;
  try {
    return { path, history: await readJournal(path), heartbeat };
  } catch (error) {
    await heartbeat.release('open');
    throw error;
  }
}

/** Gives a journal back that was taken, as it was. */
export async function giveBack({ history, heartbeat }: TakenJournal): Promise<void> {
  await heartbeat.release(history.end !== null ? 'ended' : 'open');
}

/**
 * Goes on with a journal.
 * @param on null when only its key sets or its writes are taken back
 * @throws MsmqCertError file-unwritable, disk-full
 */
export async function resumeJournal(
  taken: TakenJournal,
  on: Pick<RunHeader, 'server' | 'delivers'> | null,
): Promise<Journal> {
  const { path, history, heartbeat } = taken;
  try {
    const file = await continueJournalFile(path, history);
    if (on === null) return journalIn(file, heartbeat, history.end !== null);
    await file.append({ type: 'resumed', at: now(), by: whoRuns(), ...on });
    return journalIn(file, heartbeat, false);
  } catch (error) {
    await giveBack(taken);
    throw error;
  }
}

function journalIn(file: JournalFile, heartbeat: Heartbeat, isOver: boolean): Journal {
  let over = isOver;
  const append = async (record: JournalRecord) => {
    // two processes that write to one journal would make it worthless
    heartbeat.lost.throwIfAborted();
    await file.append(record);
  };
  return {
    lost: heartbeat.lost,
    assertHeld: () => heartbeat.assertHeld(),
    key: (user, machine, digest, files, custody) =>
      append({ type: 'key', at: now(), user: userRecord(user), machine, digest, files, ...custodyRecord(custody) }),
    keyTaken: (user, digest) => append({ type: 'key-taken', at: now(), user: userKey(user), digest }),
    dropKey: (user, digest) => append({ type: 'key-dropped', at: now(), user: userKey(user), digest }),
    intend: (...facts) => append(intentRecord(...facts)),
    conclude: (...facts) => append(outcomeRecord(...facts)),
    hook: (user, { machine, digest }, outcome, status, output) =>
      append({ type: 'hook', at: now(), user: userKey(user), machine, digest, outcome, status, output }),
    async undo() {
      await append({ type: 'undone', at: now(), by: whoRuns() });
      over = true;
    },
    async end(summary) {
      await append({ type: 'end', at: now(), summary: { ...summary } });
      over = true;
    },
    async close() {
      await file.close();
      await heartbeat.release(over ? 'ended' : 'open');
    },
    async abandon() {
      await file.close();
      if (!heartbeat.lost.aborted) await rm(file.path, { force: true });
      await heartbeat.release('ended');
    },
  };
}

/** What is about to be written over what. */
export function intentRecord(...[server, plan, change, items]: Parameters<Journal['intend']>): RecordOf<'intent'> {
  return {
    type: 'intent',
    at: now(),
    server,
    user: userRecord(plan.user),
    before: pairRecord(plan.before),
    after: pairKey(applyChange(plan.before, change)),
    digestsAdded: change.digestsToAdd.map(toHex),
    digestsRemoved: change.digestsToDelete.map(toHex),
    items: items.map(itemRecord),
  };
}

/** How it went. */
export function outcomeRecord(...[user, outcome, error]: Parameters<Journal['conclude']>): RecordOf<'outcome'> {
  return { type: 'outcome', at: now(), user: userKey(user), outcome, error: error && errorRecord(error) };
}

function userRecord({ account, dn, sid, guid, protected: isProtected }: User) {
  return { account, dn, sid, guid, protected: isProtected };
}

function custodyRecord(custody: Custody) {
  if (custody.kind === 'files') return {};
  return { custody: custody.kind === 'sink' ? { kind: custody.kind } : custody };
}

function itemRecord({ delivery: _later, ...item }: ItemResult): JournalItem {
  return { ...item, error: item.error && errorRecord(item.error) };
}

function errorRecord({ code, message }: MsmqCertError) {
  return { code, message };
}

function now(): string {
  return new Date().toISOString();
}

/** The account of the operating system, for the audit trail; a container may have none. */
export function whoRuns(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}
