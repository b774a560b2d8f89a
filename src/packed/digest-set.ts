import { hash } from 'node:crypto';

/**
 * Texts by 128 bits of their SHA-256, some 30 bytes each however long they are. No two texts that anybody can find share
 * them.
 */
export interface DigestSet {
  has(text: string): boolean;
  /** Adds it unless it is there already; whether it did. */
  add(text: string): boolean;
}

const FIRST_SLOTS = 1024;
const WORDS = 4;
const EMPTY = 0;

export function digestSet(): DigestSet {
  const table = digestTable();
  return {
    has: (text) => table.find(digestOf(text)) !== EMPTY,
    add: (text) => table.number(digestOf(text)).isNew,
  };
}

/** Numbers texts from 0 on, in the order in which they come: the same text has the same number. */
export function digestNumbers(): (text: string) => number {
  const table = digestTable();
  return (text) => table.number(digestOf(text)).number - 1;
}

/** An open-addressing table: slots hold the number of a digest, counted from 1. */
function digestTable() {
  let slots = new Uint32Array(FIRST_SLOTS);
  let words = new Uint32Array((FIRST_SLOTS / 2) * WORDS);
  let count = 0;

  function holds(number: number, digest: Uint32Array): boolean {
    const at = (number - 1) * WORDS;
    return digest.every((word, index) => words[at + index] === word);
  }

  /** The slot that holds a digest, or the empty one where it belongs. */
  function slotOf(digest: Uint32Array): number {
    const mask = slots.length - 1;
    let slot = (digest[0] ?? 0) & mask;
    while (slots[slot] !== EMPTY && !holds(slots[slot] ?? EMPTY, digest)) slot = (slot + 1) & mask;
    return slot;
  }

  function grow(): void {
    slots = new Uint32Array(slots.length * 2);
    const longer = new Uint32Array(words.length * 2);
    longer.set(words);
    words = longer;
    for (let number = 1; number <= count; number++) {
      slots[slotOf(words.subarray((number - 1) * WORDS, number * WORDS))] = number;
    }
  }

  return {
    find: (digest: Uint32Array): number => slots[slotOf(digest)] ?? EMPTY,
    number(digest: Uint32Array): { number: number; isNew: boolean } {
      const slot = slotOf(digest);
      const known = slots[slot] ?? EMPTY;
      if (known !== EMPTY) return { number: known, isNew: false };
      words.set(digest, count * WORDS);
      slots[slot] = ++count;
      if (count * 2 === slots.length) grow();
      return { number: count, isNew: true };
    },
  };
}

function digestOf(text: string): Uint32Array {
  const bytes = hash('sha256', text, 'buffer');
  return Uint32Array.from({ length: WORDS }, (_, index) => bytes.readUInt32LE(index * 4));
}
