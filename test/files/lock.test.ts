import assert from 'node:assert/strict';
import { mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../../src/files/lock.ts';
import { withFolder } from '../certificate/support.ts';

/** Long enough for the test to end by its own time limit where something else than the first look at the lock decides. */
const patient = { waitMs: 600_000, staleMs: 600_000 };
const impatient = { waitMs: 0, staleMs: 10_000 };

async function withFile(work: (file: string, lock: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const file = join(folder, 'users.ldif');
    await writeFile(file, '');
    await work(file, `${file}.lock`);
  });
}

const taskOf = (ran: string[]) => async () => void ran.push('ran');

describe('the lock of a file', () => {
  it('is there while the task runs, and gone afterwards', async () => {
    await withFile(async (file, lock) => {
      await withFileLock(file, impatient, async () => assert.ok((await stat(lock)).isDirectory()));
      await assert.rejects(stat(lock), { code: 'ENOENT' });
    });
  });

  const strays: [what: string, make: (lock: string) => Promise<unknown>][] = [
    ['a file', (lock) => writeFile(lock, 'somebody put this here')],
    ['a link', (lock) => symlink('.', lock)],
    ['a folder with something in it', (lock) => mkdir(join(lock, 'thing'), { recursive: true })],
  ];
  for (const [what, make] of strays) {
    it(`is not waited for when ${what} is in its place, which is named and left alone`, async () => {
      await withFile(async (file, lock) => {
        await make(lock);
        const before = await readdir(join(file, '..'), { recursive: true });
        const ran: string[] = [];
        await assert.rejects(withFileLock(file, patient, taskOf(ran)), {
          code: 'file-locked',
          message: `${lock} is in the place of the lock of ${file}`,
          hint: new RegExp(`look at ${lock} and move it away`),
        });
        assert.deepEqual(ran, []);
        assert.deepEqual(await readdir(join(file, '..'), { recursive: true }), before);
      });
    });
  }

  it('is taken over from a process that was killed', async () => {
    await withFile(async (file, lock) => {
      await mkdir(lock);
      await utimes(lock, new Date(0), new Date(0));
      const ran: string[] = [];
      await withFileLock(file, impatient, taskOf(ran));
      assert.deepEqual(ran, ['ran']);
    });
  });

  it('is left with the process that holds it', async () => {
    await withFile(async (file, lock) => {
      await mkdir(lock);
      await assert.rejects(withFileLock(file, impatient, taskOf([])), {
        code: 'file-locked',
        hint: /remove .*\.lock$/,
      });
    });
  });

  it('names the file when the folder takes none', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'gone', 'users.ldif');
      await assert.rejects(withFileLock(file, impatient, taskOf([])), { code: 'file-unwritable' });
    });
  });
});
