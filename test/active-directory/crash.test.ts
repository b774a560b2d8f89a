import assert from 'node:assert/strict';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, startMsmqCert } from '../cli/msmq-cert.ts';
import { journalIn } from './bulk.ts';
import {
  actionsOf,
  assertPfxHolds,
  keyFilesBelow,
  letTimePass,
  machinesOf,
  mutation,
  type RegisteredEntry,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { gateProxy } from './gate-proxy.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { lossyProxy } from './lossy-proxy.ts';

const machines = ['PC-1', 'PC-2'];

describe('The command, killed at any moment', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'carol'));

  const registering = (out: string, url = lab.url) => [
    ...['register', 'carol', ...machines.flatMap((machine) => ['--machine', machine])],
    ...['--out', out, ...reaching(lab, 'provisioner', url)],
  ];

  // each file of a key set is several changes to its folder: these fall before, between and after all of them
  for (const changes of [1, 3, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32]) {
    it(`after ${changes} changes to the key folders: no certificate without its key, and the next run completes it`, () =>
      withFolder(async (out) => {
        await killAfterChanges(registering(out), out, changes);
        await assertEveryKeyIsThere(out, await readConsistentPair(lab, 'carol'));
        await assertNextRunCompletes(out);
      }));
  }

  it('before the write: whoever takes up its journal registers the keys that were made', () =>
    withFolder(async (out) => {
      const gate = await gateProxy(lab.ip);
      const child = startMsmqCert(registering(out, gate.url));
      const outcome = outcomeOf(child);
      await Promise.race([gate.held(1), outcome]);
      child.kill('SIGKILL');
      assert.equal((await outcome).code, null);
      await gate.close();

      assert.deepEqual(await readConsistentPair(lab, 'carol'), []);
      const made = (await keyFilesBelow(out)).filter((file) => file.endsWith('.pfx'));
      assert.equal(made.length, machines.length);
      // another way to the same directory is another command, so the journal is named
      const resume = ['resume', await journalIn(out), ...reaching(lab)];
      const entries = await assertNextRunCompletes(out, resume);
      assert.deepEqual(entries.map(({ machine, digest }) => `CORP_carol/${machine}/${digest}.pfx`).sort(), made);
    }));

  it('after the write, before it knows: the next run changes nothing', () =>
    withFolder(async (out) => {
      const proxy = await lossyProxy(lab.ip);
      const lost = proxy.loseReply(700);
      const child = startMsmqCert(registering(out, proxy.url));
      const outcome = outcomeOf(child);
      await Promise.race([lost, outcome]);
      child.kill('SIGKILL');
      await proxy.close();
      assert.equal((await outcome).code, null);

      const entries = await readConsistentPair(lab, 'carol');
      assert.deepEqual(machinesOf(entries), machines);
      await assertEveryKeyIsThere(out, entries);
      assert.deepEqual(await assertNextRunCompletes(out), entries);
    }));

  /** Runs the command again to its end: one certificate a machine, and the key files of these and nothing else. */
  async function assertNextRunCompletes(out: string, words = registering(out)): Promise<RegisteredEntry[]> {
    await letTimePass(out);
    const result = await mutation(words);
    assert.equal(result.code, 0, result.stderr);
    assert.ok(actionsOf(result).every((action) => / (added|unchanged)$/.test(action)));
    const entries = await readConsistentPair(lab, 'carol');
    assert.deepEqual(machinesOf(entries).sort(), machines);
    await assertEveryKeyIsThere(out, entries);
    const expected = entries.flatMap(({ machine, digest }) =>
      ['cer', 'pass', 'pfx'].map((extension) => `CORP_carol/${machine}/${digest}.${extension}`),
    );
    assert.deepEqual(await keyFilesBelow(out), expected.sort());
    return entries;
  }
});

async function assertEveryKeyIsThere(out: string, entries: RegisteredEntry[]): Promise<void> {
  for (const { machine, digest, certificate } of entries) {
    const path = join(out, 'CORP_carol', machine ?? '', digest);
    await assertPfxHolds(`${path}.pfx`, `${path}.pass`, certificate);
  }
}

/** Kills the command when it has changed its folders this many times, or lets it end if it never does. */
async function killAfterChanges(words: string[], out: string, changes: number): Promise<void> {
  const folders = machines.map((machine) => join(out, 'CORP_carol', machine));
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
  const child = startMsmqCert(words);
  let seen = 0;
  const watchers = folders.map(
    (folder): FSWatcher =>
      watch(folder, () => {
        seen++;
        if (seen === changes) child.kill('SIGKILL');
      }),
  );
  await outcomeOf(child);
  for (const watcher of watchers) watcher.close();
  assert.ok(seen > 0);
}
