import assert from 'node:assert/strict';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import {
  assertDesired,
  assertKeysAreThere,
  dealOut,
  journalIn,
  keyFilesOf,
  readPairs,
  readRegistered,
  resetUsers,
  seedUsers,
  userNames,
  type Wanted,
  writeManifest,
} from './bulk.ts';
import { keyFilesBelow, letTimePass, mutation, reaching } from './command-line.ts';
import { type Lab, startLab } from './lab.ts';

/** scripts/test-bulk-kills asks for more of them. */
const USERS = Number(process.env['BULK_USERS'] ?? 20);
const PAIRS = Number(process.env['BULK_PAIRS'] ?? 60);
/** A key set makes more changes to its folder than this, and a run more than this for each: so all kills hit. */
const CHANGES_A_PAIR = 5;

describe('A bulk run, killed at random moments and taken up again', () => {
  const users = userNames(1, USERS);
  const wanted = dealOut(users, PAIRS);
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: 200 });
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUsers(lab, users));

  it('register --manifest ends in exactly the desired state, and undo restores every byte', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      await seedUsers(lab, users, folder);
      const before = await readPairs(lab, users);
      const manifest = join(folder, 'manifest.csv');
      await writeManifest(manifest, wanted);
      const words = ['register', '--manifest', manifest, '--out', out, ...reaching(lab)];

      const journal = await killAndResume(words, out, 10);
      const entries = await assertDesired(lab, out, wanted);
      assert.deepEqual(await keyFilesBelow(out), keyFilesOf(entries));
      const again = await mutation(words);
      assert.deepEqual([again.code, again.changed, again.summary.unchanged], [0, false, PAIRS]);
      await assertUndone(journal, before);
    }));

  it('replace gives every machine one new certificate, and undo brings the old ones back', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const manifest = join(folder, 'manifest.csv');
      await writeManifest(manifest, wanted);
      const journalOfFirst = join(folder, 'first.ndjson');
      const options = ['--out', out, ...reaching(lab)];
      const first = await mutation(['register', '--manifest', manifest, '--journal', journalOfFirst, ...options]);
      assert.equal(first.code, 0, first.stderr);
      const before = await readPairs(lab, users);
      const old = await readRegistered(lab, users);

      const journal = await killAndResume(['replace', ...users, ...options], out, 5);
      const entries = await assertDesired(lab, out, wanted);
      // a machine that was replaced twice would have a third key set
      assert.deepEqual(await keyFilesBelow(out), keyFilesOf([...old, ...entries]));
      assert.equal(new Set([...old, ...entries].map(({ digest }) => digest)).size, 2 * PAIRS);
      await assertUndone(journal, before);
    }));

  it('apply carries out the plan, and undo takes it back', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'certs');
      const [manifest, plan] = [join(folder, 'manifest.csv'), join(folder, 'plan.json')];
      await writeManifest(manifest, wanted);
      const before = await readPairs(lab, users);
      const planned = await runMsmqCert(['plan', 'register', '--manifest', manifest, '--out', plan, ...reaching(lab)]);
      assert.equal(planned.code, 0, planned.stderr);

      const journal = await killAndResume(['apply', plan, '--out', out, ...reaching(lab)], out, 5);
      const entries = await assertDesired(lab, out, wanted);
      assert.deepEqual(await keyFilesBelow(out), keyFilesOf(entries));
      await assertUndone(journal, before);
    }));

  /** Kills the run again and again, then lets it end: by the same command and by `resume` in turn. */
  async function killAndResume(words: string[], out: string, kills: number): Promise<string> {
    const folders = await makeFolders(out, wanted);
    const moments = randomMoments(kills, PAIRS * CHANGES_A_PAIR);
    const said = `killed at changes ${moments.join(', ')}`;
    const next = async (turn: number) => (turn % 2 === 0 ? words : ['resume', await journalIn(out), ...reaching(lab)]);

    let seen = 0;
    for (const [turn, moment] of moments.entries()) {
      seen = await killAtChange(await next(turn), folders, seen, moment);
      await letTimePass(out);
      assert.ok(seen >= moment, `the run came to its end before kill ${turn + 1}; ${said}`);
    }
    await assertKeysAreThere(out, await readRegistered(lab, users));
    const last = await runMsmqCert([...(await next(kills)), '--json']);
    assert.equal(last.code, 0, `${last.stderr}; ${said}`);
    assert.match(last.stderr, /^going on with the run of /);
    return await journalIn(out);
  }

  async function assertUndone(journal: string, before: Awaited<ReturnType<typeof readPairs>>): Promise<void> {
    const undone = await mutation(['undo', journal, ...reaching(lab)]);
    assert.deepEqual([undone.code, undone.summary.failed], [0, 0], undone.stderr);
    assert.deepEqual(await readPairs(lab, users), before);
  }
});

/** Ascending, from the time on at which the journal is begun. */
function randomMoments(count: number, before: number): number[] {
  const moments = Array.from({ length: count }, () => 10 + Math.floor(Math.random() * (before - 10)));
  return moments.sort((a, b) => a - b);
}

async function makeFolders(out: string, wanted: Wanted): Promise<string[]> {
  const folders = [...wanted].flatMap(([user, machines]) =>
    machines.map((machine) => join(out, `CORP_${user}`, machine)),
  );
  folders.push(join(out, 'journal'));
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  return folders;
}

/** Kills a run when its folders have changed this many times, counted over all runs; returns how often they have. */
async function killAtChange(words: string[], folders: string[], seenBefore: number, moment: number): Promise<number> {
  let seen = seenBefore;
  const child = startMsmqCert(words);
  const watchers = folders.map(
    (folder): FSWatcher =>
      watch(folder, () => {
        seen++;
        if (seen >= moment) child.kill('SIGKILL');
      }),
  );
  await outcomeOf(child);
  for (const watcher of watchers) watcher.close();
  return seen;
}
