import { hash } from 'node:crypto';
import { asBuffer, toHex } from './digest.ts';

/**
 * The two attributes of one user object, as bytes (specification §1, §2).
 * `blob` is the value of mSMQSignCertificates, null when the attribute is absent;
 * `digests` are the values of mSMQDigests, 16 bytes each, in no particular order.
 */
export interface Pair {
  blob: Uint8Array | null;
  digests: Uint8Array[];
}

/**
 * One atomic change to a pair, made against the exact bytes that were read (specification §7).
 * `blob` is the value afterwards, null to delete the attribute. A change whose `blob` equals the value before still
 * compares it: the write is refused when somebody changed it in between.
 */
export interface Change {
  blob: Uint8Array | null;
  digestsToAdd: Uint8Array[];
  digestsToDelete: Uint8Array[];
}

/** Whether two reads gave the same blob, byte for byte. */
export function sameBlob(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : asBuffer(a).equals(b);
}

/** Whether two reads gave the same bytes; the order of digests does not count. */
export function samePair(a: Pair, b: Pair): boolean {
  return sameBlob(a.blob, b.blob) && digestKey(a) === digestKey(b);
}

/** SHA-256 over a pair, in hex: the blob, then the digests in ascending order. Tells two states of a user apart. */
export function pairKey(pair: Pair): string {
  const blob = pair.blob === null ? 'absent' : hash('sha256', pair.blob, 'hex');
  return hash('sha256', [blob, digestKey(pair)].join('\n'), 'hex');
}

function digestKey({ digests }: Pair): string {
  return digests.map(toHex).sort().join('\n');
}
