import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode, type Entry, encode, MalformedBlobError, sequenceLength } from '../../src/blob/codec.ts';
import { md5 } from '../../src/blob/digest.ts';
import { identifierBytes, identifierText, newIdentifier } from '../../src/blob/identifier.ts';
import { arbitraryEntry } from './arbitraries.ts';
import { vectorBytes, vectors } from './vectors.ts';

describe('the codec on the known blobs', () => {
  for (const vector of vectors) {
    it(`${vector.file}: ${vector.note}`, () => {
      const blob = vectorBytes(vector.file);
      if ('malformedAtOffset' in vector) {
        const error = malformedError(() => decode(blob));
        assert.equal(error.offset, vector.malformedAtOffset);
        assert.match(error.message, new RegExp(`at byte ${vector.malformedAtOffset}: expected \\S`));
        return;
      }
      const entries = decode(blob);
      assert.deepEqual(
        entries.map((entry) => ({
          digest: entry.digest.toString('hex'),
          identifier: identifierText(entry.identifier),
          bytes: entry.certificate.length,
          digestMatches: md5(entry.certificate).equals(entry.digest),
        })),
        vector.entries,
      );
      assert.deepEqual(encode(entries), blob);
    });
  }

  it('gives what was readable before the break', () => {
    const error = malformedError(() => decode(vectorBytes('certificate-overrun.bin')));
    assert.equal(error.readable.length, 2);
  });

  it('shares the memory of the value instead of copying it', () => {
    const blob = vectorBytes('three-rsa.bin');
    for (const entry of decode(blob)) {
      assert.equal(entry.certificate.buffer, blob.buffer);
      assert.equal(entry.digest.byteOffset, blob.byteOffset + entry.offset);
    }
  });
});

describe('the codec on anything', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry()), (entries) => {
        const read = decode(encode(entries)).map(({ digest, identifier, certificate }) => ({
          digest,
          identifier,
          certificate,
        }));
        assert.deepEqual(read, entries);
      }),
    );
  });

  it('writes back what it read, or says that it cannot read it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => readsIdenticallyOrRefuses(bytes)),
      { numRuns: 500 },
    );
  });

  it('is never led out of bounds by a mutated blob', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(arbitraryEntry(), { minLength: 1 }), fc.array(mutation), (entries: Entry[], mutations) => {
        let blob = encode(entries);
        for (const { at, byte, cut } of mutations) {
          blob[at % blob.length] = byte;
          if (blob.length - cut > 4) blob = blob.subarray(0, blob.length - cut);
        }
        readsIdenticallyOrRefuses(blob);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes only the shortest form of a DER length', () => {
    assert.equal(sequenceLength(Buffer.from('3005', 'hex')), 7);
    assert.equal(sequenceLength(Buffer.from('308105', 'hex')), null);
    assert.equal(sequenceLength(Buffer.from('308180', 'hex')), 131);
    assert.equal(sequenceLength(Buffer.from('30820080', 'hex')), null);
    assert.equal(sequenceLength(Buffer.from('30820100', 'hex')), 260);
    assert.equal(sequenceLength(Buffer.from('3080', 'hex')), null, 'indefinite length is not DER');
    assert.equal(sequenceLength(Buffer.from('30', 'hex')), null);
  });
});

describe('identifiers', () => {
  it('keep their bytes through the text form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        assert.deepEqual(identifierBytes(identifierText(Buffer.from(bytes))), Buffer.from(bytes));
      }),
    );
  });

  it('are new each time', () => {
    assert.notDeepEqual(newIdentifier(), newIdentifier());
  });
});

function readsIdenticallyOrRefuses(bytes: Uint8Array): void {
  try {
    assert.deepEqual(encode(decode(bytes)), Buffer.from(bytes));
  } catch (error) {
    if (!(error instanceof MalformedBlobError)) throw error;
    assert.ok(error.offset <= bytes.length);
  }
}

function malformedError(action: () => unknown): MalformedBlobError {
  try {
    action();
  } catch (error) {
    if (error instanceof MalformedBlobError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'the blob was accepted' });
}
