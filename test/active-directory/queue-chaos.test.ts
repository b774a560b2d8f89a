import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import {
  assertKeysAreThere,
  dealOut,
  readPairs,
  readRegistered,
  seedUsers,
  type UserEntry,
  userNames,
  type Wanted,
  writeManifest,
} from './bulk.ts';
import { mutation } from './command-line.ts';
import { type Chaos, makeTrouble, startCrew, untilRunIsOver, usersLeft, type WorkerWords } from './queue-chaos.ts';
import { type QueueGround, startQueueGround, statesOf, submit } from './queue-ground.ts';

/** scripts/test-queue-chaos asks for more of them. */
const USERS = Number(process.env['CHAOS_USERS'] ?? 40);
const REPLACED = Number(process.env['CHAOS_REPLACED'] ?? 12);
const MACHINES = Number(process.env['CHAOS_MACHINES'] ?? 3);
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 16);
/** So slow that there is work until the last trouble. */
const RATE = Math.ceil((USERS + REPLACED) / SECONDS);
const CHAOS: Chaos = { seconds: SECONDS, killEveryMs: 2500, freezeEveryMs: 2000, freezeMs: 13_000 };
/** Users at once of all four workers. */
const LANES = 16;
const PATIENCE_MS = 100_000 + USERS * 500;

describe('The queue, on a real domain controller', function () {
  // other programs look at each certificate and each key
  this.timeout(2 * PATIENCE_MS + USERS * 5000);
  const users = userNames(1, USERS);
  const replacedUsers = userNames(USERS + 1, USERS + REPLACED);
  const everybody = [...users, ...replacedUsers];
  const wanted = dealOut(users, USERS * MACHINES);
  const kept = dealOut(replacedUsers, REPLACED * MACHINES);
  let ground: QueueGround;
  before(async () => {
    ground = await startQueueGround(USERS + REPLACED);
  });
  after(async () => {
    await ground?.stop();
  });

  it('does all once while its workers, its database and the domain controller go down, and undoes it', () =>
    withFolder(async (folder) => {
      const [one = '', two = '', shared = ''] = ['one', 'two', 'shared'].map((name) => join(folder, name));
      const outs = [one, two, shared];
      await seedUsers(ground.lab, users, folder);
      const old = await registerByHand(folder, join(folder, 'old'));
      const before = await readPairs(ground.lab, everybody);

      const since = new Date();
      const registering = await submit(ground, 'register', '--manifest', await manifestOf(folder, wanted));
      const replacing = await submit(ground, 'replace', ...replacedUsers);
      const crew = startCrew(ground, [
        worker('one', one),
        worker('two', two),
        // these share a folder
        worker('three', shared),
        worker('four', shared),
      ]);
      const told: string[] = [];
      try {
        told.push(...(await makeTrouble(crew, ground, CHAOS)));
        for (const run of [registering, replacing]) await untilRunIsOver(run, ground, PATIENCE_MS);
      } finally {
        await crew.dismiss();
        told.push(crew.said());
      }
      const story = told.join('\n');
      // a worker at work survives an outage; one that is just starting ends, and is started again
      const ends = crew.ends.filter(({ stderr }) => stderr.includes('working on the queue'));
      assert.deepEqual(ends, [], story);
      await assertAllDone(registering, USERS, story);
      await assertAllDone(replacing, REPLACED, story);
      const writes = await ground.writesSince(since);
      const taken = writes.filter(({ hasTaken }) => hasTaken).map(({ user }) => user);
      assert.deepEqual(taken.sort(), everybody, story);
      assertRate(
        writes.map(({ at }) => at),
        await ground.turnsSince(since),
      );
      await assertDesired(outs, wanted);
      const replaced = await assertDesired(outs, kept);
      const digests = new Set([...old, ...replaced].map(({ digest }) => digest));
      assert.equal(digests.size, 2 * REPLACED * MACHINES, 'every certificate was replaced');

      await undoWithOneKill([registering, replacing], one, two);
      assert.deepEqual(await readPairs(ground.lab, everybody), before);
    }));

  it('lets the journal of one worker be undone alone', () =>
    withFolder(async (folder) => {
      const before = await readPairs(ground.lab, users);
      const run = await submit(ground, 'register', '--manifest', await manifestOf(folder, wanted));
      const outs = ['one', 'two'].map((name) => join(folder, name));
      const words = ['queue', 'work', '--until-empty', '--json', ...ground.reaching];
      const works = outs.map((out) => runMsmqCert([...words, '--out', out], { env: ground.env }));
      const [one, two] = (await Promise.all(works)).map(({ stdout, stderr }) => {
        assert.ok(stdout !== '', stderr);
        return JSON.parse(stdout);
      });
      await assertAllDone(run, USERS, '');
      const after = await readPairs(ground.lab, users);

      const undone = await mutation(['undo', one.journals[0], ...ground.reaching]);
      assert.equal(undone.code, 0, undone.stderr);
      assert.ok(one.users > 0 && two.users > 0);
      const mine = new Set(undone.results.map(({ user }) => user.replace('CORP\\', '')));
      assert.equal(mine.size, one.users);
      const expected = Object.fromEntries(users.map((user) => [user, (mine.has(user) ? before : after)[user]]));
      assert.deepEqual(await readPairs(ground.lab, users), expected);
    }));

  function worker(name: string, out: string): WorkerWords {
    return { name, out, words: ['--rate', String(RATE)] };
  }

  async function manifestOf(folder: string, pairs: Wanted): Promise<string> {
    const manifest = join(folder, 'manifest.csv');
    await writeManifest(manifest, pairs);
    return manifest;
  }

  /** What is to be replaced later on. */
  async function registerByHand(folder: string, out: string): Promise<UserEntry[]> {
    const manifest = await manifestOf(folder, kept);
    const { code, stderr } = await mutation(['register', '--manifest', manifest, '--out', out, ...ground.reaching]);
    assert.equal(code, 0, stderr);
    return await readRegistered(ground.lab, replacedUsers);
  }

  async function assertAllDone(run: string, count: number, story: string): Promise<void> {
    assert.deepEqual(await statesOf(run, ground), [`corp.example completed ${count}`], story);
  }

  async function undoWithOneKill(runs: string[], one: string, two: string): Promise<void> {
    const undoing: string[] = [];
    for (const run of runs) {
      const undone = await runMsmqCert(['undo', '--run', run, '--json'], { env: ground.env });
      assert.equal(undone.code, 0, undone.stderr);
      undoing.push(JSON.parse(undone.stdout).run);
    }
    const crew = startCrew(ground, [
      { name: 'one', out: one, words: [] },
      { name: 'two', out: two, words: [] },
    ]);
    try {
      while ((await usersLeft(undoing[0] ?? '', ground.ask)) === USERS);
      crew.kill('one');
      for (const run of undoing) await untilRunIsOver(run, ground, PATIENCE_MS);
    } finally {
      await crew.dismiss();
    }
    await assertAllDone(undoing[0] ?? '', USERS, crew.said());
    await assertAllDone(undoing[1] ?? '', REPLACED, crew.said());
  }

  /** Each user has exactly one certificate for each machine, and the key of each is with one of the workers. */
  async function assertDesired(outs: readonly string[], pairs: Wanted): Promise<UserEntry[]> {
    const entries = await readRegistered(ground.lab, [...pairs.keys()]);
    const registered = entries.map(({ user, machine }) => `${user} ${machine}`);
    const expected = [...pairs].flatMap(([user, machines]) => machines.map((each) => `${user} ${each}`));
    assert.deepEqual(registered.sort(), expected.sort());
    const byOut = Map.groupBy(entries, (entry) => outs.find((out) => hasKey(out, entry)));
    assert.equal(byOut.get(undefined), undefined, 'a certificate whose key nobody has');
    for (const [out = '', ofOut] of byOut) await assertKeysAreThere(out, ofOut);
    return entries;
  }
});

function hasKey(out: string, { user, machine, digest }: UserEntry): boolean {
  return existsSync(join(out, `CORP_${user}`, machine ?? '', `${digest}.pfx`));
}

/**
 * No second has more turns than the rate, and at each moment there were no more writes than turns. The domain controller
 * may take up together what came one after the other, but no more than there are users at once.
 */
function assertRate(writes: readonly number[], turns: readonly { from: number; at: number }[]): void {
  const begun = turns.map(({ from }) => from);
  assert.ok(most(begun, 1000) <= RATE, `${most(begun, 1000)} turns within a second`);
  for (const [index, write] of writes.entries()) {
    const turn = turns[index];
    assert.ok(turn !== undefined && turn.at <= write, 'a write without a turn');
  }
  assert.ok(most(writes, 1000) <= RATE + LANES, `${most(writes, 1000)} writes within a second`);
}

/** So many moments within one window, wherever it begins. */
function most(moments: readonly number[], windowMs: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let first = 0;
  return Math.max(
    0,
    ...sorted.map((moment, index) => {
      while ((sorted[first] ?? 0) <= moment - windowMs) first++;
      return index - first + 1;
    }),
  );
}
