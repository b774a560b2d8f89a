import assert from 'node:assert/strict';
import { chmod, chown, lchown, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOwn, makeOwnFolder } from '../../src/files/own-folder.ts';
import { withFolder } from '../certificate/support.ts';

const refused = { code: 'untrusted-path' };
/** Somebody who is neither root nor whoever runs the tests. */
const SOMEBODY = 54321;
const isRoot = process.getuid?.() === 0;

describe('checkOwn', () => {
  it('takes what only we can write to, and what is not there yet', () =>
    withFolder(async (folder) => {
      await writeFile(join(folder, 'file'), '');
      await checkOwn(join(folder, 'file'));
      await checkOwn(join(folder, 'new', 'deeper'));
    }));

  for (const mode of [0o770, 0o707, 0o1777]) {
    it(`refuses a folder with the mode ${mode.toString(8)}`, () =>
      withFolder(async (folder) => {
        await chmod(folder, mode);
        await assert.rejects(checkOwn(folder), refused);
      }));
  }

  it('refuses a file that others can write to, and what is below a folder that others can write to', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'a', 'b', 'file');
      await mkdir(join(folder, 'a', 'b'), { recursive: true });
      await writeFile(file, '');
      await checkOwn(file);
      await chmod(file, 0o620);
      await assert.rejects(checkOwn(file), refused);
      await chmod(file, 0o600);
      await chmod(join(folder, 'a'), 0o777);
      await assert.rejects(checkOwn(file), refused);
      await assert.rejects(makeOwnFolder(join(folder, 'a', 'b', 'c')), refused);
      await chmod(join(folder, 'a'), 0o1777);
      await checkOwn(file);
    }));

  it('looks at where a link leads', () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'open', 'inner'), { recursive: true });
      await symlink(join(folder, 'open', 'inner'), join(folder, 'link'));
      await checkOwn(join(folder, 'link'));
      await chmod(join(folder, 'open'), 0o777);
      await assert.rejects(checkOwn(join(folder, 'link')), refused);
    }));

  // giving a file away is for root only; the suites with a domain controller run as root
  if (isRoot) {
    it('refuses what belongs to somebody else, also above, also a link', () =>
      withFolder(async (folder) => {
        const inner = join(folder, 'theirs', 'ours');
        await mkdir(inner, { recursive: true, mode: 0o700 });
        await checkOwn(inner);
        await chown(join(folder, 'theirs'), SOMEBODY, SOMEBODY);
        await assert.rejects(checkOwn(inner), refused);
        await assert.rejects(checkOwn(join(inner, 'new')), refused);
        await mkdir(join(folder, 'ours'));
        await symlink(join(folder, 'ours'), join(folder, 'link'));
        await lchown(join(folder, 'link'), SOMEBODY, SOMEBODY);
        await assert.rejects(checkOwn(join(folder, 'link', 'x')), refused);
      }));
  }
});

describe('makeOwnFolder', () => {
  it('makes every folder for its owner alone', () =>
    withFolder(async (folder) => {
      const deep = join(folder, 'a', 'b');
      await makeOwnFolder(deep);
      await makeOwnFolder(deep);
      for (const each of [deep, join(folder, 'a')]) assert.equal((await stat(each)).mode & 0o777, 0o700);
    }));
});
