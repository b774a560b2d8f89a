import assert from 'node:assert/strict';
import { renameOver } from '../../src/files/rename.ts';

describe('putting a file in the place of another', () => {
  function failing(times: number, code: string) {
    let calls = 0;
    return async () => {
      if (calls++ < times) throw Object.assign(new Error(code), { code });
    };
  }

  it('waits on Windows until no other program has it open', async () => {
    await renameOver('new', 'old', { move: failing(2, 'EPERM'), platform: 'win32' });
  });

  it('gives up on Windows and says why', async () => {
    await assert.rejects(renameOver('new', 'old', { move: failing(1, 'EBUSY'), platform: 'win32', patienceMs: 0 }), {
      code: 'file-locked',
      message: 'old is open in another program',
    });
  });

  it('takes the first answer elsewhere, and any other one on Windows', async () => {
    await assert.rejects(renameOver('new', 'old', { move: failing(1, 'EPERM'), platform: 'linux' }), { code: 'EPERM' });
    await assert.rejects(renameOver('new', 'old', { move: failing(1, 'ENOSPC'), platform: 'win32' }), {
      code: 'ENOSPC',
    });
  });
});
