import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  assertDesired,
  assertKeysAreThere,
  dealOut,
  keyFilesOf,
  readRegistered,
  resetUsers,
  userNames,
} from './bulk.ts';
import { keyFilesBelow, mutation, reaching } from './command-line.ts';
import { withDisk } from './disk.ts';
import { type Lab, readPairIndependently, startLab } from './lab.ts';

describe('A disk that takes no more', () => {
  const users = userNames(89, 96);
  const [first = ''] = users;
  let lab: Lab;
  before(async () => {
    lab = await startLab({ users: 200 });
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUsers(lab, users));

  const disks = [
    { what: 'is read-only', options: 'ro', code: 'file-unwritable' },
    // each file takes a page of 4096 bytes: the passphrase fits, and the PFX does no longer
    { what: 'is full', options: 'size=4k', code: 'disk-full' },
    { what: 'is full when the certificate comes', options: 'size=8k', code: 'disk-full' },
  ];
  for (const { what, options, code } of disks) {
    it(`is named when it ${what}: nothing is registered, and no keys are left there`, () =>
      withDisk(options, async ({ folder, path }) => {
        const words = ['--out', path, '--journal', join(folder, 'journal.ndjson'), ...reaching(lab)];
        const result = await mutation(['register', first, '--machine', 'PC-1', ...words]);
        assert.deepEqual([result.code, result.results[0]?.error?.code], [1, code]);
        assert.match(result.results[0]?.error?.hint ?? '', /--out/);
        assert.deepEqual(await keyFilesBelow(path), []);
        assert.deepEqual(await readPairIndependently(lab, first), { blob: null, digests: [] });
      }));
  }

  it('stops a bulk run, which goes on when there is room', () =>
    withDisk('size=80k', async ({ path, remount }) => {
      const words = ['register', ...users, '--machine', 'PC-1', '--out', path, '--concurrency', '2', '--no-progress'];
      const stopped = await mutation([...words, ...reaching(lab)]);
      assert.deepEqual([stopped.code, JSON.parse(stopped.stdout).stopped.error.code], [1, 'disk-full']);
      const done = await readRegistered(lab, users);
      assert.ok(done.length > 0 && done.length < users.length);
      await assertKeysAreThere(path, done);

      await remount('size=4m');
      const rest = await mutation([...words, ...reaching(lab)]);
      assert.equal(rest.code, 0, rest.stderr);
      assert.match(rest.stderr, /^going on with the run of /);
      const entries = await assertDesired(lab, path, dealOut(users, users.length));
      assert.deepEqual(await keyFilesBelow(path), keyFilesOf(entries));
    }));
});
