import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { accountFolder, machineFolder } from '../../../src/certificate/key-files/key-folder.ts';
import { withFolder } from '../support.ts';

const awkward = fc.string({ unit: fc.constantFrom(...'\\/._-~% :*?"<>|\0\nabAB09éÉ漢😀'), maxLength: 12 });
const long = fc.string({ unit: fc.constantFrom('a', 'b', '漢'), minLength: 90, maxLength: 130 });
const name = fc.oneof(awkward, long);

describe('accountFolder', () => {
  it('is domain and user where nothing speaks against it', () => {
    assert.equal(accountFolder('out', 'CORP\\alice'), join('out', 'CORP_alice'));
    assert.equal(accountFolder('out', 'CORP\\svc_queue.1'), join('out', 'CORP_svc_queue.1'));
  });

  it('makes hostile names harmless', () => {
    assert.equal(accountFolder('out', '..'), join('out', '%2E%2E'));
    assert.equal(accountFolder('out', 'CORP\\..\\..\\etc'), join('out', 'CORP_%2E.%5C..%5Cetc'));
    assert.equal(accountFolder('out', 'CORP\\a/b'), join('out', 'CORP_a%2Fb'));
    assert.equal(accountFolder('out', 'nul'), join('out', '%6Eul'));
    assert.equal(accountFolder('out', ''), join('out', '%'));
  });

  it('is one folder below, short enough and without a character that any file system refuses', () => {
    fc.assert(
      fc.property(name, (account) => {
        const folder = accountFolder('out', account);
        assert.equal(dirname(folder), 'out');
        assert.match(basename(folder), /^[A-Za-z0-9_%~.-]{1,100}$/);
        assert.doesNotMatch(basename(folder), /^\.|\.$|^(con|nul|aux|prn|com\d|lpt\d)(\.|$)/i);
      }),
    );
  });

  it('is never shared by two accounts, not even where case does not count', () => {
    const sameAccount = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(!sameAccount(a, b));
        assert.notEqual(accountFolder('out', a).toLowerCase(), accountFolder('out', b).toLowerCase());
      }),
      { numRuns: 2000 },
    );
    assert.notEqual(accountFolder('out', 'A_B\\c'), accountFolder('out', 'A\\B_c'));
    assert.notEqual(accountFolder('out', 'A_b'), accountFolder('out', 'A\\b'));
    assert.notEqual(accountFolder('out', 'A\\b%2Fc'), accountFolder('out', 'A\\b/c'));
  });
});

describe('machineFolder', () => {
  it('keeps what was written, and finds it again in any case', async () => {
    await withFolder(async (out) => {
      const written = await machineFolder(out, 'CORP\\alice', 'PC-1');
      assert.equal(written, join(out, 'CORP_alice', 'PC-1'));
      await mkdir(written, { recursive: true });
      assert.equal(await machineFolder(out, 'CORP\\alice', 'pc-1'), written);
      assert.equal(await machineFolder(out, 'CORP\\alice', 'pc-10'), join(out, 'CORP_alice', 'pc-10'));
    });
  });

  it('finds names that do not compare alike everywhere, and long ones', async () => {
    await withFolder(async (out) => {
      assert.equal(await machineFolder(out, 'C\\a', 'BÜRO-1'), await machineFolder(out, 'C\\a', 'büro-1'));
      const label = 'Abc'.repeat(60);
      assert.equal(await machineFolder(out, 'C\\a', label), await machineFolder(out, 'C\\a', label.toLowerCase()));
      assert.notEqual(await machineFolder(out, 'C\\a', label), await machineFolder(out, 'C\\a', `${label}x`));
    });
  });
});
