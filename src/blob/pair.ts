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
