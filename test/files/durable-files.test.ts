import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publish, writeOnce } from '../../src/files/durable-files.ts';
import { withFolder } from '../certificate/support.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('writeOnce', () => {
  it('leaves the file alone, for its owner alone', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a.pfx');
      await writeOnce(path, Buffer.from('content'), []);
      assert.deepEqual(await readdir(folder), ['a.pfx']);
      assert.equal(await readFile(path, 'utf8'), 'content');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    });
  });

  it('never replaces a file, and says what it made on the way', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'a.pfx');
      const created: string[] = [];
      await writeFile(path, 'first');
      await assert.rejects(writeOnce(path, 'second', created), { code: 'EEXIST' });
      assert.equal(await readFile(path, 'utf8'), 'first');
      assert.deepEqual(created, [`${path}.tmp`]);
    });
  });
});

describe('publish', () => {
  const without = (code: string) => (): Promise<void> => Promise.reject(systemError(code));

  it('copies where there are no hard links, still without replacing a file', async () => {
    await withFolder(async (folder) => {
      const [temporary, path] = [join(folder, 'a.tmp'), join(folder, 'a')];
      await writeFile(temporary, 'content', { mode: 0o600 });
      const created: string[] = [];
      await publish(temporary, path, created, without('EPERM'));
      assert.equal(await readFile(path, 'utf8'), 'content');
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.deepEqual(created, [path]);
      await assert.rejects(publish(temporary, path, created, without('ENOTSUP')), { code: 'EEXIST' });
    });
  });

  it('does not take a real failure for a missing ability', async () => {
    await withFolder(async (folder) => {
      await assert.rejects(publish(join(folder, 'a.tmp'), join(folder, 'a'), [], without('ENOSPC')), {
        code: 'ENOSPC',
      });
      assert.deepEqual(await readdir(folder), []);
    });
  });
});
