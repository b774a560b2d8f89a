import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { keyFilesBelow, reaching } from './command-line.ts';
import { type Lab, ldapSearch, readPairIndependently, resetUser, startLab } from './lab.ts';
import { assertRefused, reachingExcept } from './refused.ts';

describe('The command and bad input', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
    await resetUser(lab, 'bob');
  });
  afterEach(async () => {
    assert.deepEqual(await readPairIndependently(lab, 'bob'), { blob: null, digests: [] });
  });

  describe('about users', () => {
    it('says that there is no such user', () =>
      withFolder(async (folder) => {
        const words = ['register', 'nobody', '--machine', 'PC-1', '--out', join(folder, 'certs'), ...reaching(lab)];
        assert.deepEqual(await runMsmqCert(words), {
          code: 1,
          stdout: '1 user: 0 added, 0 removed, 0 unchanged, 1 failed\n',
          stderr:
            'error[user-not-found]: no user "nobody" in the directory\n' +
            'hint: name the user as sAMAccountName, DOMAIN\\user, user@domain.example, distinguished name or SID\n',
        });
        assert.deepEqual(await keyFilesBelow(folder), []);
      }));

    it('says that there is more than one', () =>
      withFolder(async (folder) => {
        const exported = await ldapSearch(lab, [
          '-b',
          lab.accounts.bob.dn,
          '-s',
          'base',
          'objectClass',
          'sAMAccountName',
        ]);
        const file = join(folder, 'users.ldif');
        await writeFile(file, `${exported}\n${exported.replace('dn: CN=bob,', 'dn: CN=bob,OU=Second,')}`);
        const words = ['register', 'bob', '--machine', 'PC-1', '--out', join(folder, 'certs')];
        const outcome = await runMsmqCert([...words, '--directory', `ldif:${file}`]);
        assert.match(outcome.stderr, /^error\[user-ambiguous\]: .*bob.*\nhint: .+\n$/);
        assert.equal(outcome.code, 1);
        assert.deepEqual(await keyFilesBelow(folder), ['users.ldif']);
      }));
  });

  describe('about files', () => {
    it('says that a manifest is no blob', () =>
      withFolder(async (folder) => {
        const file = join(folder, 'users.csv');
        await writeFile(file, 'user,machine\nalice,PC-1\n');
        const outcome = await runMsmqCert(['blob', 'decode', file]);
        assert.deepEqual([outcome.code, outcome.stdout], [4, '']);
        assert.match(
          outcome.stderr,
          /^error\[malformed-blob\]: \S+users\.csv is no certificate blob: at byte \d+ it should have .+\nhint: give the raw value .+\n$/,
        );
      }));

    it('says that a passphrase file is empty before it asks the directory', () =>
      assertRefused(
        ['--passphrase-file', '/dev/null', ...reachingExcept(lab, { '--directory': `${lab.url}:1` })],
        2,
        'error[usage]: the first line of the passphrase file /dev/null is empty\nhint: write the passphrase into the first line\n',
      ));

    it('says that a file is where the folder for keys and journals should be', () =>
      withFolder(async (folder) => {
        const out = join(folder, 'certs');
        await writeFile(out, 'mine');
        const register = ['register', 'bob', '--machine', 'PC-1', '--out', out, ...reaching(lab)];
        const refused = await runMsmqCert(register);
        assert.equal(
          refused.stderr,
          `error[usage]: --out ${out} is a file, and has to be a folder\nhint: name another folder\n`,
        );
        assert.equal(refused.code, 2);
        const elsewhere = await runMsmqCert([...register, '--journal', join(folder, 'journal.ndjson')]);
        assert.equal(elsewhere.code, 2);
        assert.equal(await readFile(out, 'utf8'), 'mine');
      }));
  });
});
