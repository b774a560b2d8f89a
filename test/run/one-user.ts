import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { applyChange } from '../../src/blob/edit.ts';
import type { Change, Pair } from '../../src/blob/pair.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import { type Directory, type SwapOutcome, type User, userKey } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { takeNamed } from '../../src/journal/find.ts';
import { readJournal } from '../../src/journal/read.ts';
import { beginJournal, type Journal, resumeJournal } from '../../src/journal/write.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import type { UserResult } from '../../src/plan/results.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { type ApplyContext, applyToUser } from '../../src/run/apply.ts';
import type { KeyPolicy } from '../../src/run/keys.ts';
import { withFolder } from '../certificate/support.ts';
import { certificate, pairOf } from '../judge/trouble.ts';

export const alice: User = {
  account: 'CORP\\alice',
  dn: 'CN=Alice,DC=corp',
  sid: 'S-1-5-1',
  guid: null,
  protected: false,
};
const subject = parseSubjectTemplate(DEFAULT_SUBJECT);
export const HOUR_MS = 3_600_000;
export const goingOn = { server: 'scripted', delivers: false };
export const nothing: Pair = { blob: null, digests: [] };

type Swap = (before: Pair, change: Change, world: World) => Promise<SwapOutcome>;

/** One user, and what the directory does with each write; the last one is done again and again. */
interface World {
  pair: Pair;
  swaps: Swap[];
  reads: () => void;
}

export const takes: Swap = async (_before, change, world) => {
  world.pair = applyChange(world.pair, change);
  return { kind: 'swapped' };
};
export const refuses: Swap = async () => ({
  kind: 'refused',
  error: new MsmqCertError('access-denied', 'no right to write'),
});

function directoryOf(world: World): Directory {
  return {
    server: 'scripted',
    findUser: async () => alice,
    read: async () => {
      world.reads();
      return world.pair;
    },
    swap: async (_user, before, change) => {
      const [next = takes, ...later] = world.swaps;
      if (later.length > 0) world.swaps = later;
      return await next(before, change, world);
    },
    close: async () => {},
  };
}

/** A rival registers a sound certificate for the same machine. */
export function rivalRegisters(world: World): void {
  world.pair = pairOf([certificate({ commonName: '[CORP/alice, PC-1]' })]);
}

export const world: World = { pair: nothing, swaps: [], reads: () => {} };
let stop = new AbortController();

/** Before each test. */
export function beginAnew(): void {
  stop = new AbortController();
  Object.assign(world, { pair: nothing, swaps: [], reads: () => {} });
}

export function policyIn(out: string, changes: Partial<KeyPolicy> = {}): KeyPolicy {
  const keys = { out, keySize: 2048, hash: 'sha256', validForMs: HOUR_MS, subject } as const;
  return { ...keys, encryption: 'TripleDES_SHA1', passphrase: null, maxAgeMs: HOUR_MS, ...changes };
}

export function contextOf(journal: Journal, keys: KeyPolicy): ApplyContext {
  return {
    directory: directoryOf(world),
    criteria: {
      now: new Date(),
      expiringWithinMs: 0,
      maxCertificates: 820,
      subjects: [subject],
      stated: new Map(),
      computers: noComputers,
    },
    keys,
    journal,
    mode: 'write',
    guardSharedDigests: async () => {},
    beforeWrite: async (plan) => plan,
    whenCoreIsFree: (job) => job(),
    onRetry: () => {},
    beforeRetry: async () => {},
  };
}

export const journalOf = (out: string) => join(out, 'journal', 'run.ndjson');

export async function begin(out: string): Promise<Journal> {
  const request = { verb: 'register', mode: 'if-not-exists' } as const;
  const keys = { out, keySize: 2048, hash: 'sha256', validFor: HOUR_MS } as const;
  const rest = { pfxEncryption: 'TripleDES_SHA1', passphraseFile: null, maxCertificates: 820 } as const;
  const record = { ...keys, ...rest, subjects: [], machinesOf: {} };
  const header = { request, targets: [], keys: record, directory: 'x', bind: null, ...goingOn };
  return await beginJournal(journalOf(out), header);
}

export async function register(context: ApplyContext, resumed = false): Promise<UserResult | null> {
  const history = resumed ? await readJournal(journalOf(context.keys.out)) : null;
  const source = { kind: 'new-key' } as const;
  const planner = registerPlanner([{ machine: 'PC-1', source, validForMs: null }], 'if-not-exists');
  return await applyToUser(alice, planner, context, stop.signal, history?.of(userKey(alice)));
}

/** A run that is cut short when it has its keys, and the one that takes it up. */
export async function cutShort(out: string): Promise<void> {
  const journal = await begin(out);
  world.swaps = [
    async () => {
      stop.abort(new MsmqCertError('interrupted', 'stopped'));
      return { kind: 'conflict' };
    },
    takes,
  ];
  // the conflict makes it try again, and the keys it would make then are not made any more
  const context = contextOf(journal, policyIn(out));
  const loses = { ...context, beforeRetry: () => Promise.reject(stop.signal.reason) };
  assert.equal(await register(loses), null);
  await journal.close();
  stop = new AbortController();
}

export async function takeUp(out: string, changes: Partial<KeyPolicy> = {}): Promise<UserResult> {
  const taken = await takeNamed(journalOf(out), assert.fail);
  const journal = await resumeJournal(taken, goingOn);
  const result = await register(contextOf(journal, policyIn(out, changes)), true);
  await journal.close();
  assert.ok(result !== null);
  return result;
}

export async function pfxIn(out: string): Promise<string[]> {
  const folder = join(out, 'CORP_alice', 'PC-1');
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.pfx')).map((name) => join(folder, name));
}

export const withRun = (work: (out: string, journal: Journal) => Promise<void>) => () =>
  withFolder(async (out) => {
    const journal = await begin(out);
    await work(out, journal).finally(() => journal.close());
  });
