import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DecodedEntry, decode, type Entry, encode, MalformedBlobError } from '../../src/blob/codec.ts';
import { md5, toHex } from '../../src/blob/digest.ts';
import { salvage } from '../../src/blob/salvage.ts';
import { arbitraryEntry, derSequence } from './arbitraries.ts';
import { vectorBytes, vectors } from './vectors.ts';

function soundEntry(content: string): Entry {
  const certificate = derSequence(Buffer.from(content));
  return { digest: md5(certificate), identifier: Buffer.alloc(16, content.length), certificate };
}

function contents(entries: readonly Entry[]): string[] {
  return entries.map(({ digest, identifier, certificate }) => [digest, identifier, certificate].map(toHex).join());
}

function lengthField(entries: readonly DecodedEntry[], index: number): number {
  return (entries[index]?.offset ?? 0) + 32;
}

const three = ['one', 'twenty-two', 'three hundred'].map(soundEntry);

describe('salvaging a malformed blob', () => {
  it('keeps every entry of a sound one', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry()), (entries) => {
        const { entries: kept, lost } = salvage(encode(entries));
        assert.deepEqual(contents(kept), contents(entries));
        assert.deepEqual(lost, []);
      }),
    );
  });

  it('loses nothing when only the count is wrong', () => {
    const blob = encode(three);
    for (const count of [0, 2, 4, 0xffffffff]) {
      blob.writeUInt32LE(count, 0);
      assert.deepEqual(contents(salvage(blob).entries), contents(three));
      assert.deepEqual(salvage(blob).lost, []);
      assert.equal(salvage(blob).statedCount, count);
    }
  });

  it('keeps an entry whose length lies, when its digest proves where it ends', () => {
    const blob = encode(three);
    for (const lie of [0, 5, 0x7fffffff, 0xffffffff]) {
      blob.writeUInt32LE(lie, lengthField(decode(encode(three)), 1));
      assert.deepEqual(contents(salvage(blob).entries), contents(three));
      assert.deepEqual(salvage(blob).lost, []);
    }
  });

  it('finds the entries behind a stretch that is none, and says where it lies', () => {
    const blob = encode(three);
    const [, second] = decode(blob);
    const at = second?.offset ?? 0;
    const garbage = Buffer.from('garbage that is no entry');
    const { entries, lost } = salvage(Buffer.concat([blob.subarray(0, at), garbage, blob.subarray(at)]));
    assert.deepEqual(contents(entries), contents(three));
    assert.deepEqual(lost, [{ offset: at, bytes: garbage.length }]);
  });

  it('says what was cut off at the end', () => {
    const blob = encode(three);
    const last = decode(blob).at(-1)?.offset ?? 0;
    const { entries, lost } = salvage(blob.subarray(0, blob.length - 1));
    assert.deepEqual(contents(entries), contents(three.slice(0, 2)));
    assert.deepEqual(lost, [{ offset: last, bytes: blob.length - 1 - last }]);
  });

  it('gives entries that can be written again, accounts for every byte, and invents nothing', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryEntry(), { maxLength: 5 }),
        fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 }),
        fc.nat(),
        (entries, scribbles, cut) => {
          const blob = encode(entries);
          for (const { at, byte } of scribbles) blob[at % blob.length] = byte;
          const value = blob.subarray(0, Math.max(4, blob.length - (cut % 50)));
          const { entries: kept, lost } = salvage(value);
          assert.deepEqual(contents(decode(encode(kept))), contents(kept));
          for (const { certificate } of kept) assert.ok(value.includes(certificate));
          const bytes = encode(kept).length + lost.reduce((sum, each) => sum + each.bytes, 0);
          assert.equal(bytes, value.length);
        },
      ),
    );
  });

  for (const vector of vectors.filter((each) => 'malformedAtOffset' in each)) {
    it(`keeps at least what stands before the break of ${vector.file}`, () => {
      const value = vectorBytes(vector.file);
      const error = malformedError(value);
      const kept = contents(salvage(value).entries);
      assert.deepEqual(kept.slice(0, error.readable.length), contents(error.readable));
    });
  }
});

function malformedError(value: Buffer): MalformedBlobError {
  try {
    decode(value);
  } catch (error) {
    if (error instanceof MalformedBlobError) return error;
    throw error;
  }
  return assert.fail('it can be decoded');
}
