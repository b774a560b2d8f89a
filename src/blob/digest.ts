import { hash } from 'node:crypto';

/** Bytes in a digest: MD5 over the whole DER certificate (specification §1). */
export const DIGEST_BYTES = 16;

export function md5(certificate: Uint8Array): Buffer {
  // A string out of the hash and into a small buffer is quicker than a buffer out of the hash.
  return Buffer.from(hash('md5', certificate, 'binary'), 'latin1');
}

/** The same in hexadecimal, for comparing and looking up. */
export function md5Hex(certificate: Uint8Array): string {
  return hash('md5', certificate, 'hex');
}

/** A set of digests. Digests are compared by value; JavaScript's Set would compare the buffers by identity. */
export interface DigestSet {
  has(digest: Uint8Array): boolean;
  add(digest: Uint8Array): void;
  readonly size: number;
}

export function digestSet(digests: Iterable<Uint8Array> = []): DigestSet {
  const keys = new Set<string>();
  for (const digest of digests) keys.add(toHex(digest));
  return {
    has: (digest) => keys.has(toHex(digest)),
    add: (digest) => {
      keys.add(toHex(digest));
    },
    get size() {
      return keys.size;
    },
  };
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex');
}

/** The same memory seen as a Buffer; nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
