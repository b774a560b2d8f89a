import assert from 'node:assert/strict';
import { DerError, expect, finish, next, reader } from '../../../src/certificate/x509/der.ts';

describe('next', () => {
  it('reads short and long lengths', () => {
    const short = next(reader(Buffer.from('0402abcd', 'hex')));
    assert.deepEqual([short.tag, short.start, short.end], [4, 2, 4]);
    const long = next(reader(Buffer.concat([Buffer.from('04820100', 'hex'), Buffer.alloc(256)])));
    assert.deepEqual([long.start, long.end], [4, 260]);
  });

  it('refuses everything that is not strict DER', () => {
    const wrong = {
      'no tag': '',
      'no length': '04',
      'content cut short': '0402ab',
      'length cut short': '048201',
      'indefinite length': '30800401000000',
      'long form for a short length': '04810100',
      'leading zero in a length': `04820080${'00'.repeat(128)}`,
      'length past 4 GiB': '04850100000000',
      'length near 4 GiB': '0484ffffffff00',
      'high tag number': '1f810100',
    };
    for (const [what, hex] of Object.entries(wrong)) {
      assert.throws(() => next(reader(Buffer.from(hex, 'hex'))), DerError, what);
    }
  });

  it('never looks outside its own part of a larger buffer', () => {
    const larger = Buffer.from('0403aabbcc', 'hex');
    assert.throws(() => next(reader(larger.subarray(0, 4))), DerError);
    const part = next(reader(new Uint8Array(larger.buffer, larger.byteOffset, 5)));
    assert.equal(part.bytes.subarray(part.start, part.end).toString('hex'), 'aabbcc');
  });
});

describe('expect and finish', () => {
  it('say where they were disappointed', () => {
    const from = reader(Buffer.from('0500040100', 'hex'));
    next(from);
    assert.throws(() => finish(from, 'nothing'), /3 bytes too many after the nothing at byte 2/);
    assert.throws(() => expect(from, 0x30, 'list'), /no list at byte 2/);
  });
});
