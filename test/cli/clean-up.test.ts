import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from '../../src/blob/codec.ts';
import { toHex } from '../../src/blob/digest.ts';
import { newEntry } from '../../src/blob/edit.ts';
import { entryRecord } from '../../src/directory/ldif/entry.ts';
import { seedCertificate, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

const DAY = 86_400_000;

/** A file with alice, who has a certificate for each of these machines, and whoever else is given. */
async function directoryWith(folder: string, machines: Record<string, number>, more = ''): Promise<string[]> {
  const entries = Object.entries(machines).map(([machine, daysLeft]) => newEntry(certificateFor(machine, daysLeft)));
  const pair = { blob: encode(entries), digests: entries.map(({ digest }) => digest) };
  const file = join(folder, 'users.ldif');
  await writeFile(file, entryRecord(userNamed('alice'), pair) + more);
  return ['--directory', `ldif:${file}`, '--out', join(folder, 'out')];
}

function certificateFor(machine: string, daysLeft: number): Buffer {
  const notAfter = new Date(Date.now() + daysLeft * DAY);
  return seedCertificate({ subject: `[CORP/alice, ${machine}]`, notBefore: new Date('2020-01-01'), notAfter });
}

function userNamed(name: string) {
  return { account: `CORP\\${name}`, dn: `CN=${name},DC=corp`, sid: null, guid: null, protected: false };
}

describe('The command cleans up an LDIF file', () => {
  it('and shows what stays and what goes before it writes', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': 100, 'PC-2': 100, OLD: -1 });
      const outcome = await runMsmqCert(['prune', 'alice', '--expired', ...words]);
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.match(
        outcome.stdout,
        /KEEP +PC-1[\s\S]*KEEP +PC-2[\s\S]*DELETE +OLD .*expired[\s\S]*3 certificates before, 2 after/,
      );
      assert.ok(outcome.stdout.indexOf('DELETE') < outcome.stdout.indexOf('removed'));
      assert.match(outcome.stderr, /21 minutes/);
    }));

  it('and shows what it refuses', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': -1, 'PC-2': -1, 'PC-3': 100 });
      const file = words[1]?.replace('ldif:', '') ?? '';
      const before = await readFile(file);
      const refused = await runMsmqCert(['prune', 'alice', '--expired', ...words]);
      assert.equal(refused.code, 4);
      assert.match(refused.stdout, /DELETE +PC-1[\s\S]*DELETE +PC-2/);
      assert.match(
        refused.stderr,
        /error\[too-many-removals\]: 2 of the 3 certificates of CORP\\alice .*more than half/,
      );
      assert.deepEqual(await readFile(file), before);
      const dry = await runMsmqCert(['prune', 'alice', '--expired', '--dry-run', '--json', ...words]);
      assert.equal(dry.code, 0, dry.stderr);
      assert.match(JSON.parse(dry.stdout).notes[0].note, /^refused without --yes/);
    }));

  it('and needs a policy, and computer accounts for the one that asks for them', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': 100 });
      const none = await runMsmqCert(['prune', 'alice', ...words]);
      assert.deepEqual([none.code, none.stdout], [2, '']);
      const alone = await runMsmqCert(['prune', 'alice', '--older-than', '3d', '--expired', ...words]);
      assert.equal(alone.code, 2);
      const blind = await runMsmqCert(['prune', 'alice', '--machine-gone', '--yes', ...words]);
      assert.equal(blind.code, 4);
      assert.match(blind.stderr, /^error\[machines-unknown\]/);
    }));

  it('and carries out a plan for it as it was written', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': 100, OLD: -1 });
      const plan = join(folder, 'plan.json');
      const directory = words.slice(0, 2);
      const planned = await runMsmqCert(['plan', 'prune', 'alice', '--expired', '--out', plan, ...directory]);
      assert.equal(planned.code, 0, planned.stderr);
      const applied = await runMsmqCert(['apply', plan, '--json', ...words]);
      assert.equal(applied.code, 0, applied.stderr);
      const { results } = JSON.parse(applied.stdout);
      assert.deepEqual(
        results.map(({ machine, action }: { machine: string; action: string }) => `${machine} ${action}`),
        ['OLD removed'],
      );
    }));

  it('and refuses by a plan what it refuses without one, until it is confirmed', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': 100, 'PC-2': 100, 'PC-3': 100 });
      const directory = words.slice(0, 2);
      const before = await readFile(join(folder, 'users.ldif'));
      const plan = join(folder, 'plan.json');
      const planned = await runMsmqCert(['plan', 'prune', 'alice', '--keep-newest', '1', '--out', plan, ...directory]);
      assert.match(planned.stdout, /refused without --yes: 2 of the 3/);
      for (const more of [[], ['--replan']]) {
        const refused = await runMsmqCert(['apply', plan, ...more, ...words]);
        assert.equal(refused.code, 4);
        assert.match(refused.stderr, /^error\[too-many-removals\]: 2 of the 3 certificates of CORP\\alice/);
      }
      const dry = await runMsmqCert(['apply', plan, '--dry-run', ...words]);
      assert.match(dry.stdout, /refused without --yes: 2 of the 3/);
      assert.deepEqual(await readFile(join(folder, 'users.ldif')), before);
      const applied = await runMsmqCert(['apply', plan, '--yes', '--json', ...words]);
      assert.equal(applied.code, 0, applied.stderr);
      assert.equal(JSON.parse(applied.stdout).summary.removed, 2);
    }));

  it('and does not believe that most machines are gone, by a plan or without one', () =>
    withFolder(async (folder) => {
      const computer = { account: 'CORP\\PC-1$', dn: 'CN=PC-1,DC=corp', sid: null, guid: null, protected: false };
      const record = entryRecord({ ...computer, kind: 'computer' }, { blob: null, digests: [] });
      const words = await directoryWith(folder, { 'PC-1': 100, 'PC-2': 100 }, record);
      const plan = join(folder, 'plan.json');
      const prune = ['prune', 'alice', '--machine-gone'];
      const direct = await runMsmqCert([...prune, ...words]);
      await runMsmqCert(['plan', ...prune, '--out', plan, ...words.slice(0, 2)]);
      const applied = await runMsmqCert(['apply', plan, ...words]);
      for (const { code, stderr } of [direct, applied]) {
        assert.equal(code, 4);
        assert.match(stderr, /^error\[machines-unknown\]: 1 of the 2 machines of CORP\\alice/);
      }
      const confirmed = await runMsmqCert([...prune, '--yes', ...words]);
      assert.equal(confirmed.code, 0, confirmed.stderr);
    }));

  it('and makes the digests anew that an export left out, and says so', () =>
    withFolder(async (folder) => {
      const words = await directoryWith(folder, { 'PC-1': 100, 'PC-2': 100 });
      const file = join(folder, 'users.ldif');
      const before = await readFile(file, 'utf8');
      const narrow = join(folder, 'narrow.ldif');
      await writeFile(narrow, before.replaceAll(/^mSMQDigests:.*\n/gm, ''));
      const same = await runMsmqCert(['restore', narrow, '--json', ...words]);
      assert.deepEqual([same.code, JSON.parse(same.stdout).changed], [0, false], same.stderr);
      assert.equal(await readFile(file, 'utf8'), before);
      assert.equal((await runMsmqCert(['clear', 'alice', '--yes', ...words])).code, 0);
      const restored = await runMsmqCert(['restore', narrow, ...words]);
      assert.equal(restored.code, 0, restored.stderr);
      assert.match(restored.stdout, /no mSMQDigests of CORP\\alice: they are made from the certificates/);
      const list = await runMsmqCert(['list', 'alice', '--json', ...words.slice(0, 2)]);
      const [{ certificates, orphanDigests }] = JSON.parse(list.stdout).users;
      assert.deepEqual(
        certificates.flatMap(({ findings }: { findings: string[] }) => findings),
        [],
      );
      assert.deepEqual([certificates.length, orphanDigests], [2, []]);
    }));

  it('and does not drop by a restore what was registered since, unless told to', () =>
    withFolder(async (folder) => {
      const other = entryRecord(userNamed('nobody-there'), { blob: null, digests: [] });
      const words = await directoryWith(folder, { 'PC-1': 100 }, other);
      const file = join(folder, 'all.ldif');
      const saved = await runMsmqCert(['backup', '--all', '--out', file, '--json', ...words.slice(0, 2)]);
      assert.equal(JSON.parse(saved.stdout).users, 1, 'who has nothing is not in a backup of all');
      const again = await runMsmqCert(['backup', 'alice', '--out', file, ...words.slice(0, 2)]);
      assert.match(again.stderr, /^error\[file-exists\]/);

      const entry = newEntry(certificateFor('PC-NEW', 100));
      const users = await readFile(join(folder, 'users.ldif'), 'utf8');
      const now = { blob: encode([entry]), digests: [entry.digest] };
      await writeFile(join(folder, 'users.ldif'), entryRecord(userNamed('alice'), now) + other);
      const refused = await runMsmqCert(['restore', file, ...words]);
      assert.equal(refused.code, 4);
      assert.match(refused.stdout, new RegExp(`DELETE +PC-NEW +${toHex(entry.digest)}`));
      const restored = await runMsmqCert(['restore', file, '--user', 'alice', '--yes', ...words]);
      assert.equal(restored.code, 0, restored.stderr);
      assert.equal(await readFile(join(folder, 'users.ldif'), 'utf8'), users);
    }));
});
