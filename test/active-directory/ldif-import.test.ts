import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import {
  actionsOf,
  assertPfxHolds,
  type Item,
  machinesOf,
  mutation,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { type Lab, ldapModify, ldapSearch, readPairIndependently, resetUser, startLab, writePair } from './lab.ts';
import { blobOf, daysFromNow, md5, seedCertificates } from './seeds.ts';

/** What ldapmodify exits with (RFC 4511, appendix A). */
const noSuchAttribute = { code: 16 };
const attributeOrValueExists = { code: 20 };

describe('LDIF of the command, imported with ldapmodify', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) {
    when(async () => {
      for (const name of ['alice', 'dave']) await resetUser(lab, name);
    });
  }

  const importing = async (file: string) => ldapModify(lab, await readFile(file, 'utf8'), { as: 'provisioner' });
  /** An export of all users, as an administrator makes it. */
  const exportUsers = async (file: string) =>
    writeFile(file, await ldapSearch(lab, ['-b', `OU=MQ,${lab.baseDn}`, '(objectClass=user)']));

  it('registers what was made from an export, once', () =>
    withFolder(async (folder) => {
      const exported = join(folder, 'users.ldif');
      const change = join(folder, 'change.ldif');
      await exportUsers(exported);
      const words = ['register', 'CORP\\alice', 'dave', '--machine', 'PC-1', '--machine', 'PC-2', '--out', folder];
      const offline = await mutation([...words, '--directory', `ldif:${exported}`, '--ldif', change]);
      assert.equal(offline.code, 0, offline.stderr);
      assert.deepEqual(offline.results.map(({ user, machine, action }) => `${user} ${machine} ${action}`).sort(), [
        'CORP\\alice PC-1 added',
        'CORP\\alice PC-2 added',
        'CORP\\dave PC-1 added',
        'CORP\\dave PC-2 added',
      ]);
      assert.equal((await stat(change)).mode & 0o777, 0o600);
      assert.deepEqual(await readConsistentPair(lab, 'alice'), []);

      await importing(change);
      await assertRegistered(offline.results);
      const imported = await Promise.all(['alice', 'dave'].map((name) => readPairIndependently(lab, name)));
      await assert.rejects(importing(change), attributeOrValueExists);
      assert.deepEqual(await Promise.all(['alice', 'dave'].map((name) => readPairIndependently(lab, name))), imported);

      const online = await mutation([...words, ...reaching(lab)]);
      assert.equal(online.summary.unchanged, 4, 'the directory agrees with the file');
    }));

  it('replaces what was read with --dry-run, once', () =>
    withFolder(async (folder) => {
      const change = join(folder, 'change.ldif');
      const words = ['--out', folder, ...reaching(lab)];
      await mutation(['register', 'dave', '--machine', 'PC-1', '--machine', 'PC-2', ...words]);
      const before = await readPairIndependently(lab, 'dave');

      const dry = await mutation(['replace', 'dave', '--dry-run', '--ldif', change, ...words]);
      assert.deepEqual([dry.code, dry.dryRun, dry.changed], [0, true, false], dry.stderr);
      assert.deepEqual(actionsOf(dry), ['PC-1 replaced', 'PC-2 replaced']);
      assert.deepEqual(await readPairIndependently(lab, 'dave'), before);

      await importing(change);
      await assertRegistered(dry.results);
      await assert.rejects(importing(change), noSuchAttribute);
      await assertRegistered(dry.results);
    }));

  it('removes what was read, once', () =>
    withFolder(async (folder) => {
      const subject = '[CORP/alice, PC-1]';
      const certificates = await seedCertificates(folder, [
        { subject, notBefore: daysFromNow(-400), notAfter: daysFromNow(-1) },
        { subject, notBefore: daysFromNow(-10), notAfter: daysFromNow(400) },
      ]);
      const entries = certificates.map((each) => ({ certificate: each, digest: md5(each) }));
      await writePair(lab, 'alice', { blob: blobOf(entries), digests: entries.map(({ digest }) => digest) });
      const [, sound] = await readConsistentPair(lab, 'alice');

      const change = join(folder, 'change.ldif');
      const words = ['renew', 'alice', '--broken', '--dry-run', '--ldif', change, '--out', folder];
      const dry = await mutation([...words, ...reaching(lab)]);
      assert.deepEqual(actionsOf(dry), ['PC-1 removed']);
      await importing(change);
      const after = await readConsistentPair(lab, 'alice');
      assert.deepEqual(
        after.map(({ raw }) => raw),
        [sound?.raw],
      );
      await assert.rejects(importing(change), noSuchAttribute);
      assert.deepEqual(await readConsistentPair(lab, 'alice'), after);
    }));

  it('is refused when somebody registered in between, and theirs stays', () =>
    withFolder(async (folder) => {
      const exported = join(folder, 'users.ldif');
      const words = ['--out', folder, ...reaching(lab)];
      await mutation(['register', 'alice', '--machine', 'PC-1', ...words]);
      await exportUsers(exported);
      const change = join(folder, 'change.ldif');
      const offline = ['register', 'alice', '--machine', 'PC-2', '--out', folder];
      await mutation([...offline, '--directory', `ldif:${exported}`, '--ldif', change]);

      await mutation(['register', 'alice', '--machine', 'PC-3', ...words]);
      await assert.rejects(importing(change), noSuchAttribute);
      assert.deepEqual(machinesOf(await readConsistentPair(lab, 'alice')), ['PC-1', 'PC-3']);
    }));

  /** Every result that added a certificate has it in the directory, with its key in the file that it names. */
  async function assertRegistered(results: Item[]): Promise<void> {
    const byUser = Map.groupBy(results, ({ user }) => user.replace('CORP\\', ''));
    for (const [user, items] of byUser) {
      const entries = await readConsistentPair(lab, user);
      assert.deepEqual(
        entries.map(({ digest }) => digest),
        items.map(({ digest }) => digest),
      );
      for (const [index, { certificate }] of entries.entries()) {
        const files = items[index]?.files;
        await assertPfxHolds(files?.pfx ?? '', files?.passphrase ?? '', certificate);
      }
    }
  }
});
