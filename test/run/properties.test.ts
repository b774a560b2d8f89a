import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode } from '../../src/blob/codec.ts';
import { toHex } from '../../src/blob/digest.ts';
import { entriesOf } from '../../src/blob/edit.ts';
import type { Pair } from '../../src/blob/pair.ts';
import { areRegistered, standings } from '../../src/blob/registered.ts';
import { type User, userKey } from '../../src/directory/directory.ts';
import { readJournal } from '../../src/journal/read.ts';
import { assess } from '../../src/judge/state.ts';
import { sameEntry } from '../../src/plan/plan.ts';
import type { Verb } from '../../src/plan/request.ts';
import { count, emptySummary, type ItemResult } from '../../src/plan/results.ts';
import { withMemoryFolder } from './memory-folder.ts';
import {
  foreignEntry,
  readMoves,
  type Script,
  type Step,
  swapMoves,
  userNamed,
  type Version,
  worldWith,
} from './scripted-directory.ts';
import { criteria, type End, journalNamed, keyMaker, type ScriptedRun, startRun } from './scripted-run.ts';

const users = ['alice', 'bob'].map(userNamed);
const machines = ['PC-1', 'PC-2'];

interface Attempt {
  script: Script;
  killedAt: number;
}

interface Part extends Attempt {
  verb: Verb;
  machines: string[];
}

interface Scenario {
  runs: [Part, Part];
  /** Which of the two runs has the next operation. */
  turns: (0 | 1)[];
  /** What somebody does between the two runs and their resumption. */
  meanwhile: 'nothing' | 'blobs gone' | 'digests gone';
  /** Each run is resumed so often, and once more without anything going wrong. */
  resumptions: Attempt[];
}

const wholly: Attempt = { script: {}, killedAt: Number.POSITIVE_INFINITY };

const verbs: Verb[] = [
  { verb: 'register', mode: 'if-not-exists' },
  { verb: 'register', mode: 'always' },
  { verb: 'replace', machines, overlap: false, retire: false },
];

const script = (): fc.Arbitrary<Script> =>
  fc.record({
    swaps: fc.array(fc.constantFrom(...swapMoves), { maxLength: 5 }),
    reads: fc.array(
      fc.oneof({ weight: 4, arbitrary: fc.constant('answers' as const) }, fc.constantFrom(...readMoves)),
      {
        maxLength: 8,
      },
    ),
  });

const attempt = {
  script: script(),
  killedAt: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Number.POSITIVE_INFINITY)),
};

const part = (): fc.Arbitrary<Part> =>
  fc.record({ verb: fc.constantFrom(...verbs), machines: fc.subarray(machines, { minLength: 1 }), ...attempt });

const scenario = (): fc.Arbitrary<Scenario> =>
  fc.record({
    runs: fc.tuple(part(), part()),
    turns: fc.array(fc.constantFrom(0 as const, 1 as const), { maxLength: 24 }),
    meanwhile: fc.constantFrom('nothing', 'nothing', 'blobs gone', 'digests gone'),
    resumptions: fc.array(fc.record(attempt), { maxLength: 2 }),
  });

/** The answer to a write is lost, and before the directory is read again somebody has replaced a part of what it wrote. */
const partlyTakenAway: Scenario = {
  runs: [
    {
      verb: { verb: 'register', mode: 'if-not-exists' },
      machines,
      script: { swaps: ['lost-applied'], reads: [] },
      killedAt: Number.POSITIVE_INFINITY,
    },
    {
      verb: { verb: 'register', mode: 'always' },
      machines: ['PC-1'],
      script: { swaps: ['rival-tears'], reads: [] },
      killedAt: Number.POSITIVE_INFINITY,
    },
  ],
  turns: [1, 1, 0, 0, 1, 1],
  meanwhile: 'nothing',
  resumptions: [],
};

describe('Whatever happens to two runs and their resumption', () => {
  it('no key is lost, no entry of others, and nothing is said that is not so', async () => {
    await fc.assert(fc.asyncProperty(scenario(), holds), { numRuns: 300, examples: [[partlyTakenAway]] });
  });
});

async function holds({ runs, turns, meanwhile, resumptions }: Scenario): Promise<void> {
  await withMemoryFolder(async (out) => {
    const world = worldWith(users.map((user) => [user, seedOf(user)]));
    const makePfx = keyMaker();
    const onWrite = (version: Version) => {
      assertKeysFirst(version, out);
      assertOthersKept(version);
    };
    const scripted = (index: 0 | 1, by: string, again?: Attempt): ScriptedRun => ({
      ...runs[index],
      ...again,
      ...{ world, out, makePfx, onWrite, by, journal: journalNamed(out, `run-${index}`) },
    });

    const [first, second] = takeTurns(turns);
    const ends = await Promise.all([
      startRun({ ...scripted(0, 'run-0'), turn: first.turn }).finally(first.leave),
      startRun({ ...scripted(1, 'run-1'), turn: second.turn }).finally(second.leave),
    ]);
    for (const [index, end] of ends.entries()) assertTrue(end, `run-${index}`, world.versions);

    world.arrive();
    for (const user of users) disturb(user, meanwhile);
    for (const index of [0, 1] as const) {
      let [end] = ends.slice(index);
      for (const [times, again] of [...resumptions, wholly].entries()) {
        if (end?.kind === 'ended') break;
        const since = world.versions.length;
        const state = users.map((user): Version => {
          const pair = world.pairOf(user);
          return { user, before: pair, pair, by: null };
        });
        // a write that a killed process has sent, and that arrives only now, is none of the one that goes on
        const by = `run-${index} again ${times}`;
        end = await startRun(scripted(index, by, again));
        assertTrue(end, by, [...state, ...world.versions.slice(since)]);
      }
      assert.equal(end?.kind, 'ended');
    }
    world.arrive();
    for (const user of users) assertKeysStay(user, world.pairOf(user), out);
    await assertJournalled(world.versions, out);

    function disturb(user: User, what: Scenario['meanwhile']): void {
      const { blob, digests } = world.pairOf(user);
      if (what === 'blobs gone') world.put(user, { blob: null, digests });
      if (what === 'digests gone') world.put(user, { blob, digests: [] });
    }
  });
}

/** Somebody else's machine, and one of ours that is there already. */
function seedOf(user: User): Pair {
  const entries = user === users[0] ? [foreignEntry(user, 'OTHER', 1), foreignEntry(user, 'PC-1', 2)] : [];
  return { blob: entries.length === 0 ? null : encode(entries), digests: entries.map(({ digest }) => digest) };
}

function assertKeysFirst({ user, before, pair }: Version, out: string): void {
  const known = new Set(entriesOf(before).map(({ digest }) => toHex(digest)));
  for (const { digest } of entriesOf(pair)) {
    if (!known.has(toHex(digest))) assertKeyFiles(user, toHex(digest), out);
  }
}

/** What is in the directory for one of our machines was made by a run, or was there from the start. */
function assertKeysStay(user: User, pair: Pair, out: string): void {
  const seeded = standings(seedOf(user));
  for (const { digest, machine } of entriesFor(user, pair)) {
    if (machines.includes(machine ?? '') && seeded(digest) === 'absent') assertKeyFiles(user, digest, out);
  }
}

function assertKeyFiles(user: User, digest: string, out: string): void {
  const folder = join(out, user.account.replace('\\', '_'));
  const complete = machines.some((machine) =>
    ['pfx', 'cer'].every((extension) => existsSync(join(folder, machine, `${digest}.${extension}`))),
  );
  assert.ok(complete, `the key files of ${digest} are gone`);
}

function assertOthersKept({ user, before, pair }: Version): void {
  const after = entriesOf(pair);
  const digests = new Set(pair.digests.map(toHex));
  const wasListed = new Set(before.digests.map(toHex));
  for (const { entry, digest, machine } of entriesFor(user, before)) {
    if (machines.includes(machine ?? '')) continue;
    assert.ok(
      after.some((each) => sameEntry(each, entry)),
      `the entry of ${machine} is lost`,
    );
    assert.ok(!wasListed.has(digest) || digests.has(digest), `the digest of ${machine} is lost`);
  }
}

function entriesFor(user: User, pair: Pair) {
  const state = assess(user, pair, criteria);
  return state.kind === 'decoded' ? state.entries : [];
}

/** @param versions every state that the run can have seen */
function assertTrue(end: End, by: string, versions: readonly Version[]): void {
  if (end.kind === 'killed') return;
  const { outcome, results } = end;
  const summary = emptySummary();
  for (const result of results) {
    count(summary, result);
    const { user, items } = result;
    const own = versions.filter((version) => version.user.dn === user.dn);
    for (const item of items) assertItem(item, by, own);
  }
  assert.deepEqual(outcome.summary, summary);
  assert.equal(results.length + (outcome.remaining ?? Number.NaN), users.length);
  assert.ok(outcome.remaining === 0 || outcome.stoppedBy !== null);
}

function assertItem({ action, digest, identifier, machine }: ItemResult, by: string, seen: readonly Version[]): void {
  const what = `${action} ${machine} ${digest}`;
  const at = { digest: digest ?? '', identifier: identifier ?? '' };
  const registering = (pair: Pair) => standings(pair)(digest ?? '') === 'registered';
  if (action === 'added' || action === 'replaced')
    assert.ok(
      seen.some(({ pair }) => areRegistered(pair, [at])),
      what,
    );
  if (action === 'removed')
    assert.ok(
      seen.some(({ pair }) => !registering(pair)),
      what,
    );
  if (action !== 'unchanged' || digest === null) return;
  assert.ok(
    seen.some(({ pair }) => registering(pair)),
    what,
  );
  const isOwnWrite = seen.some(
    (version) => version.by === by && !registering(version.before) && registering(version.pair),
  );
  assert.ok(!isOwnWrite, `${what} was added by this very run`);
}

/** Each write that took was written down before it. */
async function assertJournalled(versions: readonly Version[], out: string): Promise<void> {
  for (const name of await readdir(join(out, 'journal'))) {
    const path = join(out, 'journal', name);
    if (!name.endsWith('.ndjson')) continue;
    assert.ok(!(await readFile(path, 'utf8')).includes('PRIVATE'));
    const history = await readJournal(path);
    const by = name.replace('.ndjson', '');
    for (const { user, pair } of versions.filter((version) => version.by?.startsWith(by))) {
      const intents = history.of(userKey(user))?.swaps.map(({ intent }) => intent.digestsAdded) ?? [];
      const isNamed = intents.some((added) => added.every((digest) => pair.digests.map(toHex).includes(digest)));
      assert.ok(isNamed, `${by} wrote what its journal does not know`);
    }
  }
}

/** Two runs whose operations come in the given order; when it is used up, or one has ended, they come as they like. */
function takeTurns(order: readonly (0 | 1)[]): [Turns, Turns] {
  const left = [...order];
  const gone = [false, false];
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  const isNext = (index: 0 | 1) => {
    while (left[0] !== undefined && gone[left[0]]) left.shift();
    return left[0] === undefined || left[0] === index;
  };
  const turnsOf = (index: 0 | 1): Turns => ({
    turn: async (operation) => {
      while (!isNext(index)) await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await operation();
      } finally {
        if (left[0] === index) left.shift();
        wake();
      }
    },
    leave: () => {
      gone[index] = true;
      wake();
    },
  });
  return [turnsOf(0), turnsOf(1)];
}

interface Turns {
  turn: Step;
  leave: () => void;
}
