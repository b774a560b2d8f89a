import assert from 'node:assert/strict';
import {
  stampsFromBytes,
  stampsFromText,
} from '../../../../src/directory/active-directory/replicas/replication-metadata.ts';

const origin = '389523cc-effb-406a-85af-29dda4c59762';
const packedOrigin = 'cc239538fbef6a4085af29dda4c59762';

function record(attribute: number, version: number, seconds: bigint): Buffer {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(attribute, 0);
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(seconds, 8);
  bytes.write(packedOrigin, 16, 'hex');
  bytes.writeBigUInt64LE(4023n, 32);
  return bytes;
}

function vector(...records: Buffer[]): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(records.length, 8);
  return Buffer.concat([header, ...records]);
}

// 2026-11-23T06:37:30Z
const seconds = 11_644_473_600n + 1_795_415_850n;
const changedAt = new Date('2026-11-23T06:37:30Z');

describe('replication metadata', () => {
  it('is read from bytes', () => {
    const bytes = vector(record(3, 1, 0n), record(0x000903b3, 4, seconds), record(0x000903b4, 2, seconds));
    assert.deepEqual(stampsFromBytes(bytes), {
      blob: { version: 4, changedAt, origin },
      digests: { version: 2, changedAt, origin },
    });
  });

  it('has no stamp of an attribute that was never written', () => {
    assert.deepEqual(stampsFromBytes(vector(record(3, 1, seconds))), { blob: null, digests: null });
  });

  it('is nothing when the bytes are something else', () => {
    const whole = vector(record(0x000903b3, 4, seconds));
    const bad = [Buffer.alloc(0), whole.subarray(0, -1), Buffer.concat([whole, Buffer.alloc(1)]), Buffer.alloc(16)];
    for (const bytes of bad) assert.equal(stampsFromBytes(bytes), null);
    assert.equal(stampsFromBytes(vector(record(0x000903b3, 4, 2n ** 64n - 1n))), null, 'a time that is none');
  });

  it('is read from the text of Windows', () => {
    const element = (name: string, version: number) => `<DS_REPL_ATTR_META_DATA>
\t<pszAttributeName>${name}</pszAttributeName>
\t<dwVersion>${version}</dwVersion>
\t<ftimeLastOriginatingChange>2026-11-23T06:37:30Z</ftimeLastOriginatingChange>
\t<uuidLastOriginatingDsaInvocationID>${origin.toUpperCase()}</uuidLastOriginatingDsaInvocationID>
\t<usnOriginatingChange>4023</usnOriginatingChange>
\t<usnLocalChange>4023</usnLocalChange>
\t<pszLastOriginatingDsaDN></pszLastOriginatingDsaDN>
</DS_REPL_ATTR_META_DATA>\0`;
    assert.deepEqual(stampsFromText([element('cn', 1), element('mSMQDigests', 7)]), {
      blob: null,
      digests: { version: 7, changedAt, origin },
    });
  });
});
