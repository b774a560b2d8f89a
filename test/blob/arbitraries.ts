import fc from 'fast-check';
import type { Entry } from '../../src/blob/codec.ts';
import { md5 } from '../../src/blob/digest.ts';

/** A DER SEQUENCE around arbitrary content: framing is all that the blob module looks at. */
export function derSequence(content: Uint8Array): Buffer {
  const length = content.length;
  const header =
    length < 0x80 ? [0x30, length] : length < 0x100 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

export function arbitraryCertificate(): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ maxLength: 300 }).map(derSequence);
}

/** An entry as the directory may hold it: usually sound, sometimes with a Digest field that is wrong. */
export function arbitraryEntry(): fc.Arbitrary<Entry> {
  return fc
    .record({
      certificate: arbitraryCertificate(),
      identifier: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
      wrongDigest: fc.option(
        fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
        { freq: 4 },
      ),
    })
    .map(({ certificate, identifier, wrongDigest }) => ({
      digest: wrongDigest ?? md5(certificate),
      identifier,
      certificate,
    }));
}
