import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addonFolder, unpack } from '../../src/native/addon.ts';
import { withFolder } from '../certificate/support.ts';

describe('unpacking a native module out of the executable', () => {
  const bytes = Buffer.from('a program');

  it('writes it once, for this account only, into a folder named after its content', () =>
    withFolder(async (home) => {
      const folder = join(home, 'cache', 'msmq-cert');
      const path = unpack('koffi.node', bytes, folder);
      assert.equal(path, join(folder, hash('sha256', bytes), 'koffi.node'));
      assert.deepEqual(await readFile(path), bytes);
      assert.equal((await stat(path)).mode & 0o077, 0);
      assert.equal((await stat(dirname(path))).mode & 0o077, 0);

      const { ino } = await stat(path);
      assert.equal(unpack('koffi.node', bytes, folder), path);
      assert.equal((await stat(path)).ino, ino);
    }));

  it('puts back what somebody has changed', () =>
    withFolder(async (home) => {
      const path = unpack('koffi.node', bytes, home);
      await writeFile(path, 'another program');
      assert.equal(unpack('koffi.node', bytes, home), path);
      assert.deepEqual(await readFile(path), bytes);
      assert.deepEqual(await readdir(dirname(path)), ['koffi.node']);
    }));

  it('loads nothing from a folder that others can write to', () =>
    withFolder(async (home) => {
      await chmod(home, 0o777);
      assert.throws(() => unpack('koffi.node', bytes, home), { code: 'untrusted-path' });
      assert.equal((await readdir(home)).includes('koffi.node'), false);
    }));

  it('loads nothing through a link', () =>
    withFolder(async (home) => {
      const link = join(home, 'link');
      await symlink(join(home), link);
      assert.throws(() => unpack('koffi.node', bytes, link), { code: 'untrusted-path' });
    }));

  it('says which variable names another folder when it cannot write', () =>
    withFolder(async (home) => {
      await writeFile(join(home, 'file'), '');
      assert.throws(() => unpack('koffi.node', bytes, join(home, 'file', 'cache')), {
        code: 'not-available',
        hint: /XDG_CACHE_HOME/,
      });
    }));

  it('uses the cache folder of the account', () => {
    assert.equal(addonFolder({ XDG_CACHE_HOME: '/cache' }), '/cache/msmq-cert');
    assert.match(addonFolder({}), /[/].cache[/]msmq-cert$/);
  });
});
