import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestSet } from '../../../src/blob/digest.ts';
import type { Change } from '../../../src/blob/pair.ts';
import type { Directory, SwapOutcome, User } from '../../../src/directory/directory.ts';
import { changeRecord, recordChanges } from '../../../src/directory/ldif/change.ts';
import { ldifBinary } from '../../../src/directory/ldif/ldif.ts';
import { MsmqCertError } from '../../../src/errors.ts';

const dn = 'CN=alice,DC=corp,DC=example';
const alice: User = { account: 'CORP\\alice', dn, sid: null, guid: null, protected: false };
const bob: User = { ...alice, account: 'CORP\\bob', dn: 'CN=bob,DC=corp,DC=example' };
const digest = (fill: number) => Buffer.alloc(16, fill);
const first: Change = { blob: Buffer.from('new'), digestsToAdd: [digest(1)], digestsToDelete: [] };

describe('a change record', () => {
  it('compares and swaps, in the order of one modify request', () => {
    const before = { blob: Buffer.alloc(80, 'old'), digests: [digest(1), digest(2)] };
    const change = { blob: Buffer.from('new'), digestsToAdd: [digest(3), digest(4)], digestsToDelete: [digest(1)] };
    const old = ldifBinary('mSMQSignCertificates', before.blob);
    assert.equal(old.split('\n').length, 3);
    assert.equal(
      changeRecord(dn, before, change),
      `dn: CN=alice,DC=corp,DC=example
changetype: modify
delete: mSMQSignCertificates
${old}-
add: mSMQSignCertificates
mSMQSignCertificates:: bmV3
-
delete: mSMQDigests
mSMQDigests:: AQEBAQEBAQEBAQEBAQEBAQ==
-
add: mSMQDigests
mSMQDigests:: AwMDAwMDAwMDAwMDAwMDAw==
mSMQDigests:: BAQEBAQEBAQEBAQEBAQEBA==
-

`,
    );
  });

  it('only adds where there was no blob', () => {
    assert.equal(
      changeRecord('CN=Jörg', { blob: null, digests: [] }, { ...first, digestsToAdd: [] }),
      `dn:: Q049SsO2cmc=
changetype: modify
add: mSMQSignCertificates
mSMQSignCertificates:: bmV3
-

`,
    );
  });

  it('only deletes the exact value where no blob stays', () => {
    const change = { blob: null, digestsToAdd: [], digestsToDelete: [digest(1)] };
    assert.equal(
      changeRecord(dn, { blob: Buffer.from('old'), digests: [digest(1)] }, change),
      `dn: CN=alice,DC=corp,DC=example
changetype: modify
delete: mSMQSignCertificates
mSMQSignCertificates:: b2xk
-
delete: mSMQDigests
mSMQDigests:: AQEBAQEBAQEBAQEBAQEBAQ==
-

`,
    );
  });

  it('still compares the blob when only digests change', () => {
    const same = Buffer.from('same');
    const record = changeRecord(dn, { blob: same, digests: [] }, { ...first, blob: same });
    assert.match(record, /delete: mSMQSignCertificates\n.*c2FtZQ==\n-\nadd: mSMQSignCertificates\n.*c2FtZQ==\n-\n/);
  });

  it('is empty when nothing changes', () => {
    assert.equal(
      changeRecord(dn, { blob: null, digests: [] }, { blob: null, digestsToAdd: [], digestsToDelete: [] }),
      '',
    );
  });
});

describe('recording changes', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
    file = join(folder, 'changes.ldif');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function inner(outcome: SwapOutcome): { directory: Directory; swapped: string[] } {
    const swapped: string[] = [];
    const directory: Directory = {
      server: 'dc1',
      findUser: async () => alice,
      read: async () => ({ blob: null, digests: [digest(9)] }),
      swap: async (user) => {
        swapped.push(user.account);
        return outcome;
      },
      close: async () => {
        swapped.push('closed');
      },
    };
    return { directory, swapped };
  }
  const before = { blob: null, digests: [] };

  it('writes down what was swapped, whole records in a private file', async () => {
    const { directory, swapped } = inner({ kind: 'swapped' });
    const recording = recordChanges(directory, file, 'also-write');
    const outcomes = await Promise.all([recording.swap(alice, before, first), recording.swap(bob, before, first)]);
    await recording.close();
    assert.deepEqual(outcomes, [{ kind: 'swapped' }, { kind: 'swapped' }]);
    assert.deepEqual(swapped, ['CORP\\alice', 'CORP\\bob', 'closed']);
    assert.equal(
      readFileSync(file, 'utf8'),
      changeRecord(alice.dn, before, first) + changeRecord(bob.dn, before, first),
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('writes nothing down that was not swapped', async () => {
    const refused: SwapOutcome = { kind: 'refused', error: new MsmqCertError('access-denied', 'no right') };
    for (const [index, outcome] of [refused, { kind: 'conflict' } as const].entries()) {
      const recording = recordChanges(inner(outcome).directory, `${file}${index}`, 'also-write');
      assert.deepEqual(await recording.swap(alice, before, first), outcome);
      await recording.close();
      assert.equal(readFileSync(`${file}${index}`, 'utf8'), '');
    }
  });

  it('leaves the directory alone when it only records', async () => {
    const { directory, swapped } = inner({ kind: 'conflict' });
    const recording = recordChanges(directory, file, 'only-record');
    assert.equal(recording.server, 'dc1');
    assert.equal(await recording.findUser('alice'), alice);
    assert.ok(digestSet((await recording.read(alice)).digests).has(digest(9)));
    assert.deepEqual(await recording.swap(alice, before, first), { kind: 'swapped' });
    await recording.close();
    assert.deepEqual(swapped, ['closed']);
    assert.equal(readFileSync(file, 'utf8'), changeRecord(alice.dn, before, first));
  });

  it('says so when a change was made and could not be written down', async () => {
    const recording = recordChanges(inner({ kind: 'swapped' }).directory, file, 'also-write');
    rmSync(file);
    mkdirSync(file);
    await assert.rejects(recording.swap(alice, before, first), {
      code: 'file-unwritable',
      message: /^CORP\\alice is changed in the directory, but .*changes\.ldif/,
    });
  });

  it('never touches a file that is there already', () => {
    writeFileSync(file, 'mine');
    const { directory } = inner({ kind: 'swapped' });
    assert.throws(() => recordChanges(directory, file, 'also-write'), { code: 'file-exists' });
    assert.equal(readFileSync(file, 'utf8'), 'mine');
    const elsewhere = join(folder, 'missing', 'changes.ldif');
    assert.throws(() => recordChanges(directory, elsewhere, 'also-write'), { code: 'file-unwritable' });
  });
});
