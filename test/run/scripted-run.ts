import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import type { User } from '../../src/directory/directory.ts';
import { takeNamed } from '../../src/journal/find.ts';
import { beginJournal, type Journal, resumeJournal } from '../../src/journal/write.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import type { Criteria } from '../../src/judge/state.ts';
import type { Planner } from '../../src/plan/plan.ts';
import type { KeySettingsRecord, Verb, Wanted } from '../../src/plan/request.ts';
import type { UserResult } from '../../src/plan/results.ts';
import { sharedDigestGuard } from '../../src/plan/shared-digests.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { renewPlanner } from '../../src/plan/verbs/renew.ts';
import type { ApplyContext } from '../../src/run/apply.ts';
import { type KeyPolicy, type MakePfx, makePfx } from '../../src/run/keys.ts';
import { type RunControl, type RunObserver, type RunOutcome, run, type UnknownUser } from '../../src/run/run.ts';
import {
  findByDigest,
  type Script,
  type Step,
  scriptedDirectory,
  type Version,
  type worldWith,
} from './scripted-directory.ts';

export const PASSPHRASE = 'correct horse battery staple';

export const criteria: Criteria = {
  now: new Date(),
  expiringWithinMs: 0,
  maxCertificates: 820,
  subjects: [parseSubjectTemplate(DEFAULT_SUBJECT)],
  stated: new Map(),
  computers: noComputers,
};

export function policyFor(out: string): KeyPolicy {
  return {
    out,
    keySize: 2048,
    hash: 'sha256',
    validForMs: 1e11,
    subject: parseSubjectTemplate(DEFAULT_SUBJECT),
    encryption: 'TripleDES_SHA1',
    passphrase: PASSPHRASE,
    maxAgeMs: 1e11,
  };
}

function recordFor(out: string): KeySettingsRecord {
  return {
    out,
    keySize: 2048,
    hash: 'sha256',
    validFor: 1e11,
    pfxEncryption: 'TripleDES_SHA1',
    passphraseFile: 'passphrase',
    maxCertificates: 820,
    subjects: [],
    machinesOf: {},
  };
}

/** Each key costs a tenth of a second: what one scenario has made, the next one uses again. */
const made = new Map<string, ReturnType<MakePfx>[]>();

/** Makes real keys, no two alike as long as one maker makes them. */
export function keyMaker(): MakePfx {
  const used = new Map<string, number>();
  return (owner, addition, policy, passphrase) => {
    const key = `${owner.account} ${owner.machine}`;
    const index = used.get(key) ?? 0;
    used.set(key, index + 1);
    const pool = made.get(key) ?? [];
    made.set(key, pool);
    const ready = pool[index] ?? makePfx(owner, addition, policy, passphrase);
    pool[index] = ready;
    return ready;
  };
}

/** One run of the tool, with everything that may happen to it. */
export interface ScriptedRun {
  world: ReturnType<typeof worldWith>;
  out: string;
  by: string;
  verb: Verb;
  machines: readonly string[];
  makePfx: MakePfx;
  script?: Script;
  /** The await point after which nothing more happens, as if the process were killed there; counted from 0. */
  killedAt?: number;
  /** The same, at the moment that this resolves. */
  killed?: Promise<void>;
  /** Lets the operations of this run and another one take turns. */
  turn?: Step;
  onWrite?: (version: Version) => void;
  /** The journal is written there, or gone on with when it is there already. */
  journal: string;
  control?: Partial<RunControl>;
  observer?: Partial<RunObserver>;
  context?: Partial<ApplyContext>;
}

export interface Ended {
  kind: 'ended';
  outcome: RunOutcome;
  results: UserResult[];
  unknown: UnknownUser[];
}

export type End = Ended | { kind: 'killed' };

/** Runs as the command does: journal, then users one after the other, then the end of the journal. */
export async function startRun(scripted: ScriptedRun): Promise<End> {
  const { world, out, machines, verb, turn = (operation) => operation(), onWrite } = scripted;
  const { point, killed } = killer(scripted.killedAt);
  const step: Step = (operation) =>
    turn(async () => {
      await point();
      const result = await operation();
      await point();
      return result;
    });
  const targets = world.users.map(({ account }) => ({
    name: account.replace('CORP\\', ''),
    wanted: machines.map((machine): Wanted => ({ machine, source: { kind: 'new-key' }, validForMs: null })),
  }));
  const header = {
    request: verb,
    targets,
    keys: recordFor(out),
    directory: 'scripted',
    server: 'scripted',
    bind: null,
    delivers: scripted.control?.deliver !== undefined,
  };
  const taken = existsSync(scripted.journal) ? await takeNamed(scripted.journal, () => {}) : null;
  const history = taken?.history ?? null;
  const { server, delivers } = header;
  const journal =
    taken === null ? await beginJournal(scripted.journal, header) : await resumeJournal(taken, { server, delivers });
  const context: ApplyContext = {
    directory: scriptedDirectory(world, {
      by: scripted.by,
      step,
      ...pick('script', scripted.script),
      ...pick('onWrite', onWrite),
    }),
    criteria,
    keys: policyFor(out),
    journal: wrapped(journal, point),
    mode: 'write',
    guardSharedDigests: sharedDigestGuard(findByDigest),
    beforeWrite: async (plan) => plan,
    whenCoreIsFree: (job) => job(),
    makePfx: async (...order) => {
      await point();
      const pfx = await scripted.makePfx(...order);
      await point();
      return pfx;
    },
    onRetry: () => {},
    beforeRetry: async () => {},
    ...scripted.context,
  };
  const results: UserResult[] = [];
  const unknown: UnknownUser[] = [];
  const observer: RunObserver = {
    started: () => {},
    finished: async (result) => {
      results.push(result);
    },
    unknown: (user) => unknown.push(user),
    ...scripted.observer,
  };
  const control: RunControl = {
    concurrency: 1,
    stop: new AbortController().signal,
    maxFailures: Number.POSITIVE_INFINITY,
    history,
    ...scripted.control,
  };
  const wholly = async (): Promise<End> => {
    const outcome = await run(targets, plannerFor(verb), context, control, observer);
    if (outcome.stoppedBy === null) await journal.end(outcome.summary);
    return { kind: 'ended', outcome, results, unknown };
  };
  try {
    const killedBy = scripted.killed?.then((): End => ({ kind: 'killed' }));
    return await Promise.race([wholly(), killed, ...(killedBy === undefined ? [] : [killedBy])]);
  } finally {
    await journal.close();
  }
}

export function journalNamed(out: string, name: string): string {
  return join(out, 'journal', `${name}.ndjson`);
}

function plannerFor(verb: Verb): (wanted: readonly Wanted[], user: User) => Planner {
  switch (verb.verb) {
    case 'register':
      return (wanted) => registerPlanner(wanted, verb.mode);
    case 'replace':
      return () => renewPlanner({ ...verb, scope: { kind: 'all' } });
    default:
      throw new Error(`no scripted run knows ${verb.verb}`);
  }
}

/** From the chosen point on, nothing of the run goes on. */
function killer(killedAt = Number.POSITIVE_INFINITY): { point: () => Promise<void>; killed: Promise<End> } {
  const { promise: killed, resolve } = Promise.withResolvers<End>();
  let points = 0;
  return {
    killed,
    point: () => {
      if (points++ < killedAt) return Promise.resolve();
      resolve({ kind: 'killed' });
      return new Promise(() => {});
    },
  };
}

/** The same journal, with a point to be killed at before and after each record. */
function wrapped(journal: Journal, point: () => Promise<void>): Journal {
  return new Proxy(journal, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        await point();
        const result: unknown = await Reflect.apply(member, target, parameters);
        await point();
        return result;
      };
    },
  });
}

function pick<K extends string, V>(key: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [k in K]?: V });
}
