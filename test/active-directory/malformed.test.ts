import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { keyFilesBelow, mutation, reaching, readConsistentPair } from './command-line.ts';
import { type Lab, readPairIndependently, resetUser, startLab, writePair } from './lab.ts';
import { md5 } from './seeds.ts';

/** A malformed value for each of these users, and the byte where it breaks. */
const malformed = {
  alice: ['certificate-overrun', 1774],
  bob: ['trailing-bytes', 2605],
  carol: ['count-too-large', 2605],
  dave: ['length-lies', 40],
  protected: ['not-der', 40],
} as const;
const users = ['alice', 'bob', 'carol', 'dave', 'protected'] as const;

describe('The command and a malformed blob', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
    for (const user of users) {
      const [name] = malformed[user];
      const blob = await readFile(new URL(`../fixtures/vectors/${name}.bin`, import.meta.url));
      await writePair(lab, user, { blob, digests: [md5(blob), md5(Buffer.from(name))] });
    }
  });
  after(async () => {
    for (const user of [...users, 'disabled']) await resetUser(lab, user);
  });

  const readAll = () => Promise.all(users.map((user) => readPairIndependently(lab, user)));

  const verbs = [
    ['register', '--machine', 'PC-1'],
    ['register', '--machine', 'PC-1', '--always'],
    ['renew', '--broken'],
    ['renew', '--all', '--overlap'],
    ['replace'],
  ];
  for (const verb of verbs) {
    it(`${verb.join(' ')} refuses it with exit code 4 and leaves it as it was`, () =>
      withFolder(async (folder) => {
        const before = await readAll();
        const result = await mutation([
          ...verb,
          ...users,
          '--out',
          join(folder, 'certs'),
          ...reaching(lab, 'administrator'),
        ]);
        assert.equal(result.code, 4, result.stderr);
        assert.equal(result.changed, false);
        assert.deepEqual(
          result.results.map(({ user }) => user).sort(),
          users.map((user) => `CORP\\${user}`),
        );
        for (const { user, error } of result.results) {
          assert.equal(error?.code, 'malformed-blob');
          const name = users.find((each) => user === `CORP\\${each}`) ?? assert.fail(user);
          assert.match(error.message, new RegExp(`byte ${malformed[name][1]}\\b`));
        }
        assert.deepEqual(await readAll(), before);
        assert.deepEqual(await keyFilesBelow(folder), []);
      }));
  }

  it('says at which byte it breaks and what to do', () =>
    withFolder(async (folder) => {
      const outcome = await runMsmqCert(['replace', 'alice', '--out', folder, ...reaching(lab)]);
      assert.match(outcome.stderr, /^error\[malformed-blob\]: CORP\\alice: .*byte 1774\b.*\nhint: .+\n$/);
    }));

  it('does not keep the sound users from being served', () =>
    withFolder(async (folder) => {
      const words = ['register', 'alice', 'disabled', '--machine', 'PC-1', '--out', folder, ...reaching(lab)];
      const result = await mutation(words);
      assert.equal(result.code, 1);
      assert.deepEqual(result.results.map(({ user, action }) => `${user} ${action}`).sort(), [
        'CORP\\alice failed',
        'CORP\\disabled added',
      ]);
      assert.equal((await readConsistentPair(lab, 'disabled')).length, 1);
    }));
});
