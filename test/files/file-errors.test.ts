import assert from 'node:assert/strict';
import { MsmqCertError } from '../../src/errors.ts';
import { writeError } from '../../src/files/file-errors.ts';

const systemError = (code: string) => Object.assign(new Error(code), { code });

describe('writeError', () => {
  it('tells a full disk, a taken name and a forbidden place apart', () => {
    const expected = {
      ENOSPC: 'disk-full',
      EDQUOT: 'disk-full',
      EEXIST: 'file-exists',
      EACCES: 'file-unwritable',
      EROFS: 'file-unwritable',
      ENOTDIR: 'file-unwritable',
    };
    for (const [system, code] of Object.entries(expected)) {
      const error = writeError('keys/a.pfx', systemError(system));
      assert.ok(error instanceof MsmqCertError && error.hint !== undefined);
      assert.equal(error.code, code, system);
      assert.match(error.message, /keys\/a\.pfx/);
    }
  });

  it('passes other errors through', () => {
    const [bug, ours] = [new TypeError('x'), new MsmqCertError('internal', 'x')];
    assert.throws(() => writeError('a', bug), bug);
    assert.equal(writeError('a', ours), ours);
  });
});
