import assert from 'node:assert/strict';
import { MsmqCertError } from '../../src/errors.ts';
import { readError, writeError } from '../../src/files/file-errors.ts';

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

describe('readError', () => {
  it('tells a missing file, one that is open elsewhere and a forbidden one apart', () => {
    const missing = { message: 'there is no plan a.json', hint: 'make one' };
    const told = (code: string) => readError('the plan a.json', systemError(code), { missing });
    assert.deepEqual([told('ENOENT').message, told('ENOENT').hint], [missing.message, missing.hint]);
    assert.equal(readError('a.json', systemError('ENOENT')).message, 'a.json cannot be read: ENOENT');
    assert.equal(told('EBUSY').code, 'file-locked');
    assert.deepEqual(
      [told('EACCES').code, told('EACCES').message],
      ['file-unreadable', 'the plan a.json cannot be read: EACCES'],
    );
  });

  it('passes other errors through', () => {
    const [bug, ours] = [new TypeError('x'), new MsmqCertError('internal', 'x')];
    assert.throws(() => readError('a', bug), bug);
    assert.equal(readError('a', ours), ours);
  });
});
