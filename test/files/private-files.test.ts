import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPrivate, makePrivateFolder, openPrivate } from '../../src/files/private-files.ts';
import { withFolder } from '../certificate/support.ts';

const mode = async (path: string) => (await stat(path)).mode & 0o777;

describe('files and folders for their owner only', () => {
  it('makes every folder that is missing, and says which is the highest', () =>
    withFolder(async (folder) => {
      const made = await makePrivateFolder(join(folder, 'a', 'b'));
      assert.equal(made, join(folder, 'a'));
      assert.equal(await mode(join(folder, 'a')), 0o700);
      assert.equal(await mode(join(folder, 'a', 'b')), 0o700);
      assert.equal(await makePrivateFolder(join(folder, 'a', 'b')), undefined);
    }));

  it('says what is in the place of a folder', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '');
      await symlink('nowhere', join(folder, 'link'));
      await assert.rejects(makePrivateFolder(join(folder, 'file')), { code: 'ENOTDIR' });
      await assert.rejects(makePrivateFolder(join(folder, 'file', 'below')), { code: 'ENOTDIR' });
      await assert.rejects(makePrivateFolder(join(folder, 'link')), { code: 'EEXIST' });
    }));

  it('opens a new file, whatever its folder lets others do, and none that is there', () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'open'), { mode: 0o755 });
      const path = join(folder, 'open', 'file');
      const file = await openPrivate(path, 'wx');
      await file.writeFile('secret');
      await file.close();
      assert.equal(await mode(path), 0o600);
      await assert.rejects(openPrivate(path, 'ax'), { code: 'EEXIST' });
      assert.equal(await readFile(path, 'utf8'), 'secret');
    }));

  it('notices a file system that does not do what it is told', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'file');
      await writeFile(path, '', { mode: 0o600 });
      await checkPrivate(path);
      await chmod(path, 0o644);
      await assert.rejects(checkPrivate(path), {
        code: 'insecure-file-system',
        message: `${path} cannot be kept from others here (mode 0644)`,
        hint: /--insecure-file-system/,
      });
    }));
});
