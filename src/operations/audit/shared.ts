import { asBuffer, DIGEST_BYTES } from '../../blob/digest.ts';

/** Finds the digests that stand on more than one object: a receiver cannot tell whose they are (specification §5). */
export interface SharedDigests {
  /** Takes in the digests of one more object; those that are no MD5 are passed over. */
  add(digests: readonly Uint8Array[]): void;
  has(digest: Uint8Array): boolean;
}

const FIRST_SLOTS = 1024;
const EMPTY = 0;

/**
 * An open-addressing table over one buffer: about 40 bytes a digest, where a Map of strings takes several times that.
 * Slots hold the number of a digest, counted from 1.
 */
export function sharedDigests(): SharedDigests {
  let slots = new Uint32Array(FIRST_SLOTS);
  let keys = Buffer.alloc((FIRST_SLOTS / 2) * DIGEST_BYTES);
  /** The last object seen with each digest, so that a digest that one object lists twice is not shared. */
  let owners = new Uint32Array(FIRST_SLOTS / 2);
  let count = 0;
  let objects = 0;
  const shared = new Set<string>();

  /** The slot of the digest, or the empty one where it belongs. */
  function slotOf(digest: Buffer): number {
    const mask = slots.length - 1;
    for (let slot = hashOf(digest) & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] ?? EMPTY;
      if (number === EMPTY || keyOf(number).equals(digest)) return slot;
    }
  }

  function keyOf(number: number): Buffer {
    return keys.subarray((number - 1) * DIGEST_BYTES, number * DIGEST_BYTES);
  }

  function grow(): void {
    slots = new Uint32Array(slots.length * 2);
    const moreOwners = new Uint32Array(owners.length * 2);
    moreOwners.set(owners);
    owners = moreOwners;
    keys = Buffer.concat([keys], keys.length * 2);
    for (let number = 1; number <= count; number++) slots[slotOf(keyOf(number))] = number;
  }

  function addOne(digest: Buffer): void {
    const slot = slotOf(digest);
    const number = slots[slot] ?? EMPTY;
    if (number !== EMPTY) {
      if (owners[number - 1] !== objects) shared.add(digest.toString('latin1'));
      owners[number - 1] = objects;
      return;
    }
    count++;
    keys.set(digest, (count - 1) * DIGEST_BYTES);
    owners[count - 1] = objects;
    slots[slot] = count;
    if (count * 2 === slots.length) grow();
  }

  return {
    add(digests) {
      objects++;
      for (const digest of digests) if (digest.length === DIGEST_BYTES) addOne(asBuffer(digest));
    },
    has: (digest) => shared.size > 0 && shared.has(asBuffer(digest).toString('latin1')),
  };
}

/** A digest is random by nature; all of its words count, so that crafted ones do not pile up easily. */
function hashOf(digest: Buffer): number {
  let hash = 0;
  for (let at = 0; at < DIGEST_BYTES; at += 4) hash = Math.imul(hash ^ digest.readUInt32LE(at), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}
