import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seedCertificate, withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { actionsOf, journalOf, type Mutation, mutation, reaching, readConsistentPair } from './command-line.ts';
import { type Lab, ldapModify, readPairIndependently, readSortedPair, resetUser, startLab, writePair } from './lab.ts';
import { blobOf, certificateFor, daysFromNow, md5 } from './seeds.ts';

const users = ['bob', 'carol', 'dave'];

describe('The command cleans up', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) {
    when(async () => {
      for (const name of users) await resetUser(lab, name);
    });
  }

  const command = (folder: string, words: string[]): Promise<Mutation> =>
    mutation([...words, '--out', folder, ...reaching(lab)]);
  const findingsOf = async (name: string): Promise<string[]> => {
    const { stdout } = await runMsmqCert(['list', name, '--json', ...reaching(lab)]);
    const [user] = JSON.parse(stdout).users;
    return [...user.findings, ...user.certificates.flatMap(({ findings }: { findings: string[] }) => findings)];
  };
  const pairOf = (name: string) => readSortedPair(lab, name);

  it('brings a user with every trouble to zero findings, and undo brings the trouble back', () =>
    withFolder(async (folder) => {
      const sound = certificateFor('bob', 'PC-1');
      const older = certificateFor('bob', 'PC-1', daysFromNow(300), 6);
      const mismatched = certificateFor('bob', 'PC-2');
      const expired = certificateFor('bob', 'PC-9', daysFromNow(-1));
      const early = seedCertificate({
        subject: '[CORP/bob, PC-8]',
        notBefore: daysFromNow(300),
        notAfter: daysFromNow(900),
      });
      const wrong = Buffer.alloc(16, 7);
      const entries = [older, sound, mismatched, expired, early, sound].map((certificate) => ({
        certificate,
        digest: certificate === mismatched ? wrong : md5(certificate),
      }));
      // the digest of `older` is missing, and one stands for nothing
      const digests = [md5(sound), wrong, md5(expired), md5(early), Buffer.alloc(16, 9)];
      await writePair(lab, 'bob', { blob: blobOf(entries), digests });
      const trouble = await pairOf('bob');
      for (const finding of ['digest-mismatch', 'digest-missing', 'digest-orphan', 'digest-duplicate', 'superseded']) {
        assert.ok((await findingsOf('bob')).includes(finding), finding);
      }

      const steps = [
        ['repair', 'bob'],
        ['prune', 'bob', '--expired', '--superseded'],
        ['renew', 'bob', '--broken'],
      ];
      const journals: string[] = [];
      for (const step of steps) {
        const result = await command(folder, step);
        assert.equal(result.code, 0, result.stderr);
        assert.ok(result.changed);
        await readConsistentPair(lab, 'bob');
        journals.push(journalOf(result));
      }
      assert.deepEqual(await findingsOf('bob'), []);
      const machines = (await readConsistentPair(lab, 'bob')).map(({ machine }) => machine);
      assert.deepEqual(machines, ['PC-1', 'PC-2', 'PC-8']);

      for (const journal of journals.toReversed()) {
        const undone = await mutation(['undo', journal, ...reaching(lab)]);
        assert.equal(undone.code, 0, undone.stderr);
      }
      assert.deepEqual(await pairOf('bob'), trouble);
    }));

  it('lets the digests follow the blob when replication has torn a pair', () =>
    withFolder(async (folder) => {
      const here = certificateFor('dave', 'PC-1');
      const there = certificateFor('dave', 'PC-2');
      await writePair(lab, 'dave', { blob: blobOf([{ certificate: here, digest: md5(here) }]), digests: [md5(there)] });
      const result = await command(folder, ['repair', 'dave']);
      assert.deepEqual(actionsOf(result), ['PC-1 added', 'null removed'], result.stderr);
      assert.equal((await readConsistentPair(lab, 'dave')).length, 1);
    }));

  it('frees an account with 820 certificates of which 700 are of machines that left', () =>
    withFolder(async (folder) => {
      const machines = Array.from({ length: 820 }, (_, index) =>
        index < 700 ? `GONE-${index}` : `PC-${1 + (index % 2)}`,
      );
      const certificates = machines.map((machine, index) =>
        certificateFor('carol', machine, daysFromNow(400), 1 + (index % 120)),
      );
      const entries = certificates.map((certificate) => ({ certificate, digest: md5(certificate) }));
      const blob = blobOf(entries);
      await writePair(lab, 'carol', { blob, digests: entries.map(({ digest }) => digest) });
      const before = await pairOf('carol');
      const register = ['register', 'carol', '--machine', 'PC-NEW'];
      const full = await command(folder, register);
      assert.deepEqual([full.code, full.results[0]?.error?.code], [4, 'over-capacity']);
      const refused = await command(folder, ['prune', 'carol', '--machine-gone']);
      assert.deepEqual([refused.code, refused.results[0]?.error?.code], [4, 'too-many-removals']);
      assert.deepEqual(await pairOf('carol'), before);

      const pruned = await command(folder, ['prune', 'carol', '--machine-gone', '--yes']);
      assert.deepEqual([pruned.code, pruned.summary.removed], [0, 700], pruned.stderr);
      const left = await readPairIndependently(lab, 'carol');
      const kept = certificates.slice(700).reduce((bytes, certificate) => bytes + 36 + certificate.length, 0);
      assert.equal(left.blob?.readUInt32LE(0), 120);
      assert.deepEqual(left.blob?.subarray(4), blob.subarray(-kept));
      assert.deepEqual(
        (await pairOf('carol')).digests,
        entries
          .slice(700)
          .map(({ digest }) => digest.toString('hex'))
          .sort(),
      );

      assert.equal((await command(folder, register)).code, 0);
      const registered = await readPairIndependently(lab, 'carol');
      assert.deepEqual([registered.blob?.readUInt32LE(0), registered.digests.length], [121, 121]);
    }));

  it('clears with a backup that restores the same bytes, malformed or not', () =>
    withFolder(async (folder) => {
      const certificate = certificateFor('bob', 'PC-1');
      const malformed = blobOf([{ certificate, digest: md5(certificate) }]).subarray(0, -2);
      await writePair(lab, 'bob', { blob: malformed, digests: [md5(certificate), md5(malformed)] });
      await writePair(lab, 'dave', { blob: blobOf([{ certificate, digest: md5(certificate) }]), digests: [] });
      const before = [await pairOf('bob'), await pairOf('dave')];
      const file = join(folder, 'before.ldif');
      const saved = await runMsmqCert(['backup', 'bob', 'dave', 'carol', '--out', file, ...reaching(lab)]);
      assert.equal(saved.code, 0, saved.stderr);

      const refused = await command(folder, ['clear', 'bob', 'dave']);
      assert.deepEqual([refused.code, refused.results[0]?.error?.code], [4, 'confirmation-needed']);
      assert.deepEqual([await pairOf('bob'), await pairOf('dave')], before);

      const cleared = await command(folder, ['clear', 'bob', 'dave', '--yes']);
      assert.equal(cleared.code, 0, cleared.stderr);
      for (const name of ['bob', 'dave']) assert.deepEqual(await pairOf(name), { blob: null, digests: [] });
      const ownBackups = (await readdir(join(folder, 'backup'))).filter((name) => name.endsWith('.ldif'));
      assert.equal(ownBackups.length, 2);

      const dry = await command(folder, ['restore', file, '--dry-run']);
      assert.deepEqual([dry.code, dry.changed], [0, false], dry.stderr);
      const restored = await command(folder, ['restore', file]);
      assert.equal(restored.code, 0, restored.stderr);
      assert.deepEqual([await pairOf('bob'), await pairOf('dave')], before);
      assert.equal((await command(folder, ['restore', file])).changed, false);
    }));

  it('writes the removal as LDIF that ldapmodify takes', () =>
    withFolder(async (folder) => {
      const certificate = certificateFor('bob', 'PC-1');
      const whole = { blob: blobOf([{ certificate, digest: md5(certificate) }]), digests: [md5(certificate)] };
      await writePair(lab, 'bob', whole);
      await writePair(lab, 'dave', { ...whole, digests: [] });
      await writePair(lab, 'carol', { blob: null, digests: [md5(certificate)] });
      const before = await Promise.all(users.map(pairOf));
      const file = join(folder, 'clear.ldif');
      const result = await command(folder, ['clear', ...users, '--ldif', file]);
      assert.deepEqual([result.code, result.changed], [0, false], result.stderr);
      assert.deepEqual(await Promise.all(users.map(pairOf)), before);

      await ldapModify(lab, await readFile(file, 'utf8'), { as: 'provisioner' });
      for (const name of users) assert.deepEqual(await pairOf(name), { blob: null, digests: [] });
    }));

  it('writes a removal as LDIF that spares whoever was changed since', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'clear.ldif');
      await command(folder, ['register', 'bob', '--machine', 'PC-1']);
      await command(folder, ['clear', 'bob', '--ldif', file]);
      await command(folder, ['register', 'bob', '--machine', 'PC-2']);
      const before = await pairOf('bob');
      await assert.rejects(ldapModify(lab, await readFile(file, 'utf8'), { as: 'provisioner' }), { code: 16 });
      assert.deepEqual(await pairOf('bob'), before);
    }));

  it('salvages what can be read of a malformed blob, and saves it first', () =>
    withFolder(async (folder) => {
      const certificates = ['PC-1', 'PC-2'].map((machine) => certificateFor('bob', machine));
      const blob = blobOf(certificates.map((certificate) => ({ certificate, digest: md5(certificate) })));
      const junk = Buffer.concat([blob.subarray(0, 4), Buffer.from('no entry'), blob.subarray(4)]);
      await writePair(lab, 'bob', { blob: junk, digests: [] });
      assert.equal((await command(folder, ['repair', 'bob'])).code, 4);
      assert.equal((await command(folder, ['repair', 'bob', '--salvage'])).code, 4);
      assert.deepEqual((await pairOf('bob')).blob, junk);

      const result = await command(folder, ['repair', 'bob', '--salvage', '--yes']);
      assert.equal(result.code, 0, result.stderr);
      assert.match(result.stdout, /lost: 8 bytes from byte 4 on/);
      assert.deepEqual(
        (await readConsistentPair(lab, 'bob')).map(({ machine }) => machine),
        ['PC-1', 'PC-2'],
      );
      const [saved] = (await readdir(join(folder, 'backup'))).filter((name) => name.endsWith('.bin'));
      assert.deepEqual(await readFile(join(folder, 'backup', saved ?? '')), junk);
    }));

  it('leaves a queue manager alone', () =>
    withFolder(async (folder) => {
      for (const words of [
        ['prune', 'PC-1$', '--expired'],
        ['clear', 'PC-1$', '--yes'],
      ]) {
        const result = await command(folder, words);
        assert.deepEqual([result.code, result.results[0]?.error?.code], [4, 'confirmation-needed']);
      }
    }));
});
