import { asBuffer, DIGEST_BYTES } from '../../blob/digest.ts';

/** Finds the digests that stand on more than one object: a receiver cannot tell whose they are (specification §5). */
export interface SharedDigests {
  /** Takes in the digests of one more object; those that are no MD5 are passed over. */
  add(digests: readonly Uint8Array[]): void;
  has(digest: Uint8Array): boolean;
}

const FIRST_SLOTS = 1024;
const EMPTY = 0;
/** 32-bit words in a digest. */
const WORDS = DIGEST_BYTES / 4;

/**
 * An open-addressing table over two arrays: about 40 bytes a digest, where a Map of strings takes several times that.
 * Slots hold the number of a digest, counted from 1.
 */
export function sharedDigests(): SharedDigests {
  let slots = new Uint32Array(FIRST_SLOTS);
  let keys = new Uint32Array((FIRST_SLOTS / 2) * WORDS);
  /** The last object seen with each digest, so that a digest that one object lists twice is not shared. */
  let owners = new Uint32Array(FIRST_SLOTS / 2);
  let count = 0;
  let objects = 0;
  const shared = new Set<string>();

  /** The slot of the digest whose words these are, or the empty one where it belongs. */
  function slotOf(a: number, b: number, c: number, d: number): number {
    const mask = slots.length - 1;
    for (let slot = hashOf(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] ?? EMPTY;
      const at = (number - 1) * WORDS;
      if (number === EMPTY) return slot;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return slot;
    }
  }

  function slotOfNumber(number: number): number {
    const at = (number - 1) * WORDS;
    return slotOf(keys[at] ?? 0, keys[at + 1] ?? 0, keys[at + 2] ?? 0, keys[at + 3] ?? 0);
  }

  function grow(): void {
    slots = new Uint32Array(slots.length * 2);
    keys = twiceAsLong(keys);
    owners = twiceAsLong(owners);
    for (let number = 1; number <= count; number++) slots[slotOfNumber(number)] = number;
  }

  function addOne(digest: Buffer): void {
    const a = digest.readUInt32LE(0);
    const b = digest.readUInt32LE(4);
    const c = digest.readUInt32LE(8);
    const d = digest.readUInt32LE(12);
    const slot = slotOf(a, b, c, d);
    const number = slots[slot] ?? EMPTY;
    if (number !== EMPTY) {
      if (owners[number - 1] !== objects) shared.add(digest.toString('latin1'));
      owners[number - 1] = objects;
      return;
    }
    const at = count * WORDS;
    keys[at] = a;
    keys[at + 1] = b;
    keys[at + 2] = c;
    keys[at + 3] = d;
    owners[count] = objects;
    count++;
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
function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a, 0x9e3779b1);
  hash = Math.imul(hash ^ b, 0x9e3779b1);
  hash = Math.imul(hash ^ c, 0x9e3779b1);
  hash = Math.imul(hash ^ d, 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function twiceAsLong(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(words.length * 2);
  longer.set(words);
  return longer;
}
