import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { type Outcome, runMsmqCert } from '../cli/msmq-cert.ts';
import { journalOf, type Mutation, mutation, reaching, readConsistentPair } from './command-line.ts';
import { type Lab, ldapSearch, readSortedPair, resetUser, startLab, userDn, writePair } from './lab.ts';
import { blobOf, certificateFor, md5 } from './seeds.ts';

const users = ['bob', 'carol', 'dave'];

describe('A certificate is looked up as receivers do,', () => {
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
  const pairOf = (name: string) => readSortedPair(lab, name);
  const verify = (file: string, words: string[] = []): Promise<Outcome> =>
    runMsmqCert(['verify', '--certificate', file, '--json', ...words, ...reaching(lab, 'reader')]);

  it('and says which lookup fails, and why', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'bob.cer');
      const certificate = certificateFor('bob', 'PC-1');
      await writeFile(file, certificate);
      const blob = blobOf([{ certificate, digest: md5(certificate) }]);
      const bob = { user: 'CORP\\bob', dn: userDn(lab, 'bob'), sid: await sidOf(lab, 'bob') };

      await writePair(lab, 'bob', { blob, digests: [md5(certificate)] });
      const good = await verify(file, ['--sid', bob.sid]);
      assert.equal(good.code, 0, good.stdout);
      assert.deepEqual(JSON.parse(good.stdout), {
        schema: 1,
        digest: md5(certificate).toString('hex'),
        byDigest: bob,
        bySid: bob,
        accepted: true,
        reasons: [],
        searched: 'the forest',
      });
      const notHis = await answer(verify(file, ['--user', 'dave']));
      assert.deepEqual([notHis.code, notHis.byDigest, notHis.bySid, notHis.reasons.length], [1, bob, null, 2]);

      await writePair(lab, 'bob', { blob, digests: [] });
      const noDigest = await answer(verify(file, ['--user', 'bob']));
      assert.deepEqual([noDigest.code, noDigest.byDigest, noDigest.bySid], [1, null, bob]);

      await writePair(lab, 'bob', { blob: null, digests: [md5(certificate)] });
      const orphan = await answer(verify(file));
      assert.deepEqual([orphan.code, orphan.byDigest, orphan.bySid], [1, bob, null]);
    }));

  it('and registers none for a second user', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'bob.cer');
      await command(folder, ['register', 'bob', '--machine', 'PC-1']);
      const [registered] = await readConsistentPair(lab, 'bob');
      await writeFile(file, registered?.certificate ?? '');
      for (const words of [[], ['--dry-run']]) {
        const result = await command(folder, ['register', 'dave', '--certificate', file, ...words]);
        assert.deepEqual([result.code, result.results[0]?.error?.code], [4, 'digest-shared']);
      }
      assert.equal((await command(folder, ['register', 'bob', '--certificate', file])).summary.unchanged, 1);
      assert.deepEqual(await pairOf('dave'), { blob: null, digests: [] });
    }));

  it('and gives none back to one user that another has by now', () =>
    withFolder(async (folder) => {
      const backup = join(folder, 'before.ldif');
      const file = join(folder, 'carol.cer');
      await command(folder, ['register', 'carol', '--machine', 'PC-1']);
      const [registered] = await readConsistentPair(lab, 'carol');
      await writeFile(file, registered?.certificate ?? '');
      await runMsmqCert(['backup', 'carol', '--out', backup, ...reaching(lab)]);
      const cleared = await command(folder, ['clear', 'carol', '--yes']);
      assert.equal((await command(folder, ['register', 'bob', '--certificate', file])).code, 0);

      const refused = [
        await command(folder, ['restore', backup]),
        await mutation(['undo', journalOf(cleared), ...reaching(lab)]),
      ];
      await writePair(lab, 'carol', {
        blob: blobOf([
          {
            certificate: registered?.certificate ?? Buffer.alloc(0),
            digest: Buffer.from(registered?.digest ?? '', 'hex'),
          },
        ]),
        digests: [],
      });
      refused.push(await command(folder, ['repair', 'carol']));
      for (const { code, results } of refused) {
        assert.deepEqual([code, results[0]?.error?.code], [4, 'digest-shared']);
        assert.match(results[0]?.error?.message ?? '', /is registered for CORP\\bob already, found in the forest$/);
      }
      assert.deepEqual((await pairOf('carol')).digests, []);
      assert.equal((await readConsistentPair(lab, 'bob')).length, 1);
    }));

  it('and ends with the command that helps', () =>
    withFolder(async () => {
      const certificate = certificateFor('bob', 'PC-1');
      await writePair(lab, 'bob', { blob: blobOf([{ certificate, digest: md5(certificate) }]), digests: [] });
      const explain = async (machine: string) =>
        (await runMsmqCert(['explain', 'bob', '--machine', machine, ...reaching(lab, 'reader')])).stdout.trimEnd();
      assert.match(await explain('PC-1'), /What helps: msmq-cert repair 'CORP\\bob' --directory /);
      assert.match(await explain('PC-2'), /What helps: msmq-cert register 'CORP\\bob' --machine PC-2 --directory /);
    }));
});

async function answer(outcome: Promise<Outcome>) {
  const { code, stdout } = await outcome;
  return { code, ...JSON.parse(stdout) };
}

async function sidOf(lab: Lab, name: string): Promise<string> {
  const ldif = await ldapSearch(lab, ['-b', userDn(lab, name), '-s', 'base', 'objectSid']);
  const [, base64 = ''] = /^objectSid:: (.+)$/m.exec(ldif) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  const parts = Array.from({ length: bytes[1] ?? 0 }, (_, index) => bytes.readUInt32LE(8 + 4 * index));
  return ['S-1', bytes.readUIntBE(2, 6), ...parts].join('-');
}
