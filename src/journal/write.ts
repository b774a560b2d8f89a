import { hash, randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { toHex } from '../blob/digest.ts';
import { applyChange } from '../blob/edit.ts';
import { type Change, pairKey } from '../blob/pair.ts';
import { type User, userKey } from '../directory/directory.ts';
import type { MsmqCertError } from '../errors.ts';
import type { UserPlan } from '../plan/plan.ts';
import type { KeySettingsRecord, Request, Target } from '../plan/request.ts';
import type { ItemResult, Summary } from '../plan/results.ts';
import { continueJournalFile, createJournalFile, type JournalFile } from './file.ts';
import type { JournalHistory } from './read.ts';
import { type JournalItem, pairRecord } from './records.ts';

/** Writes down what a run is about to do and what became of it. */
export interface Journal {
  /** Before a swap: what is about to be written over what. On the disk when it resolves. */
  intend(server: string, plan: UserPlan, change: Change, items: readonly ItemResult[]): Promise<void>;
  /** After the swap. */
  conclude(user: User, outcome: 'swapped' | 'conflict' | 'refused', error: MsmqCertError | null): Promise<void>;
  hook(user: User, item: ItemResult, outcome: 'done' | 'failed', status: string, output: string): Promise<void>;
  end(summary: Summary): Promise<void>;
  close(): Promise<void>;
}

/** For runs that change nothing. */
export const noJournal: Journal = {
  intend: async () => {},
  conclude: async () => {},
  hook: async () => {},
  end: async () => {},
  close: async () => {},
};

/** What a run is, for its journal. */
export interface RunHeader {
  request: Request;
  targets: readonly Target[];
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
  keys,
  directory,
}: Pick<RunHeader, 'request' | 'targets' | 'keys' | 'directory'>): string {
  const timeless = JSON.stringify([request, keys, directory], (key, value) => (key === 'nowMs' ? undefined : value));
  const names = targets.map((target) => JSON.stringify(target)).join('\n');
  return hash('sha256', `${timeless}\n${names}`, 'hex').slice(0, 16);
}

/**
 * Begins the journal of a run.
 * @throws MsmqCertError file-exists, file-unwritable, disk-full
 */
export async function beginJournal(path: string, header: RunHeader): Promise<Journal> {
  const file = await createJournalFile(path);
  const { targets, ...facts } = header;
  const written = [
    file.append({
      type: 'run',
      schema: 1,
      run: randomUUID(),
      at: now(),
      by: whoRuns(),
      process: thisProcess(),
      fingerprint: fingerprintOf(header),
      ...facts,
    }),
    ...targets.map(({ name, wanted }) => file.append({ type: 'target', name, wanted })),
    file.append({ type: 'targets-complete', at: now() }),
  ];
  await Promise.all(written);
  return journalIn(file);
}

/**
 * Goes on with the journal of a run that was cut short, as it was when `history` was read.
 * @throws MsmqCertError file-locked when another process was faster, file-unwritable, disk-full
 */
export async function resumeJournal(
  path: string,
  history: JournalHistory,
  { server, delivers }: Pick<RunHeader, 'server' | 'delivers'>,
): Promise<Journal> {
  const resumed = { type: 'resumed', at: now(), by: whoRuns(), server, process: thisProcess(), delivers } as const;
  return journalIn(await continueJournalFile(path, history, resumed));
}

function journalIn(file: JournalFile): Journal {
  return {
    intend: (server, plan, change, items) =>
      file.append({
        type: 'intent',
        at: now(),
        server,
        user: plan.user,
        before: pairRecord(plan.before),
        after: pairKey(applyChange(plan.before, change)),
        digestsAdded: change.digestsToAdd.map(toHex),
        digestsRemoved: change.digestsToDelete.map(toHex),
        items: items.map(itemRecord),
      }),
    conclude: (user, outcome, error) =>
      file.append({ type: 'outcome', at: now(), user: userKey(user), outcome, error: error && errorRecord(error) }),
    hook: (user, { machine, digest }, outcome, status, output) =>
      file.append({ type: 'hook', at: now(), user: userKey(user), machine, digest, outcome, status, output }),
    end: (summary) => file.append({ type: 'end', at: now(), summary: { ...summary } }),
    close: () => file.close(),
  };
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

function thisProcess() {
  return { pid: process.pid, host: hostname() };
}

/** The account of the operating system, for the audit trail; a container may have none. */
function whoRuns(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}
