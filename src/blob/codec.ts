import { MsmqCertError } from '../errors.ts';
import { asBuffer, DIGEST_BYTES } from './digest.ts';

/**
 * MQUSERSIGNCERT, one certificate in the blob (specification §1).
 *
 * | offset | size | field                                       |
 * | ------ | ---- | ------------------------------------------- |
 * | 0      | 16   | Digest: MD5 over the certificate            |
 * | 16     | 16   | Identifier: GUID in packet form             |
 * | 32     | 4    | CertificateLength, uint32 little-endian     |
 * | 36     | n    | Certificate: X.509, DER                     |
 */
export interface Entry {
  /** The Digest field as it stands in the blob; it need not be MD5 of the certificate. */
  readonly digest: Buffer;
  readonly identifier: Buffer;
  readonly certificate: Buffer;
}

/** An entry read from a blob: views into the blob's own bytes, and where it starts there. */
export interface DecodedEntry extends Entry {
  readonly offset: number;
}

/** A value that is no MQUSERSIGNCERTS. `offset` is the byte where it broke. */
export class MalformedBlobError extends MsmqCertError {
  readonly offset: number;
  /** What should have been at `offset`. */
  readonly expected: string;
  /** The whole entries before the break, for a salvage. */
  readonly readable: readonly DecodedEntry[];

  constructor(offset: number, expected: string, readable: readonly DecodedEntry[]) {
    super('malformed-blob', `the certificate blob is malformed at byte ${offset}: expected ${expected}`, {
      hint: 'nothing was changed; msmq-cert backup saves the value, and msmq-cert repair --salvage keeps what can be read of it',
    });
    this.offset = offset;
    this.expected = expected;
    this.readable = readable;
  }
}

/** The largest value Active Directory takes for mSMQSignCertificates, in bytes (specification §3). */
export const MAX_BLOB_BYTES = 1_048_576;

export const COUNT_BYTES = 4;
export const HEADER_BYTES = 36;

/**
 * Reads MQUSERSIGNCERTS (specification §1) strictly: every certificate is a DER SEQUENCE of exactly CertificateLength
 * bytes, and the last one ends where the value ends. The entries share the memory of `value`.
 *
 * @throws MalformedBlobError with the byte offset where the value stops making sense
 */
export function decode(value: Uint8Array): DecodedEntry[] {
  const blob = asBuffer(value);
  const entries: DecodedEntry[] = [];
  const broken = (at: number, expected: string) => new MalformedBlobError(at, expected, entries);

  if (blob.length < COUNT_BYTES) throw broken(0, `a certificate count of ${COUNT_BYTES} bytes, found ${blob.length}`);
  const count = blob.readUInt32LE(0);

  let offset = COUNT_BYTES;
  for (let index = 0; index < count; index++) {
    const left = blob.length - offset;
    if (left < HEADER_BYTES) {
      throw broken(offset, `entry ${index + 1} of ${count} with a header of ${HEADER_BYTES} bytes, found ${left}`);
    }
    const start = offset + HEADER_BYTES;
    const length = blob.readUInt32LE(start - 4);
    if (length > blob.length - start) {
      throw broken(start, `a certificate of ${length} bytes, found ${blob.length - start}`);
    }
    const certificate = blob.subarray(start, start + length);
    const sequence = sequenceLength(certificate);
    if (sequence === null) throw broken(start, `a DER certificate of ${length} bytes, found something else`);
    if (sequence !== length) throw broken(start, `a DER certificate of ${length} bytes, found one of ${sequence}`);
    entries.push({
      offset,
      digest: blob.subarray(offset, offset + DIGEST_BYTES),
      identifier: blob.subarray(offset + DIGEST_BYTES, start - 4),
      certificate,
    });
    offset = start + length;
  }

  if (offset !== blob.length) {
    throw broken(offset, `the end of the value after ${count} entries, found ${blob.length - offset} more bytes`);
  }
  return entries;
}

/** Writes MQUSERSIGNCERTS (specification §1): the twin of {@link decode}, with identical bytes for what it read. */
export function encode(entries: readonly Entry[]): Buffer {
  const blob = Buffer.allocUnsafe(encodedBytes(entries));
  blob.writeUInt32LE(entries.length, 0);
  let offset = COUNT_BYTES;
  for (const { digest, identifier, certificate } of entries) {
    blob.set(digest, offset);
    blob.set(identifier, offset + DIGEST_BYTES);
    blob.writeUInt32LE(certificate.length, offset + HEADER_BYTES - 4);
    blob.set(certificate, offset + HEADER_BYTES);
    offset += HEADER_BYTES + certificate.length;
  }
  return blob;
}

/** The size in bytes that {@link encode} would give. */
export function encodedBytes(entries: readonly Pick<Entry, 'certificate'>[]): number {
  return entries.reduce((bytes, entry) => bytes + entryBytes(entry.certificate.length), COUNT_BYTES);
}

/** What an entry with a certificate of this many bytes takes in the blob. */
export function entryBytes(certificateBytes: number): number {
  return HEADER_BYTES + certificateBytes;
}

/** The total length in bytes that a DER SEQUENCE header announces; null when there is no such header. */
export function sequenceLength(der: Uint8Array): number | null {
  const first = der[1];
  if (der[0] !== 0x30 || first === undefined) return null;
  if (first < 0x80) return 2 + first;
  const lengthBytes = first & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 4 || der.length < 2 + lengthBytes) return null;
  const length = asBuffer(der).readUIntBE(2, lengthBytes);
  const smallest = lengthBytes === 1 ? 0x80 : 256 ** (lengthBytes - 1);
  return length < smallest ? null : 2 + lengthBytes + length;
}
