import { randomInt } from 'node:crypto';
import { smallNumbers } from './packed-list.ts';

/**
 * Positions by name. The names are not held but their hashes, so that a name takes some 20 bytes however long it is:
 * whoever looks one up compares what is at the positions that it gets.
 */
export interface NameIndex {
  add(name: string, position: number): void;
  /** The positions added with this name, and few others that have its hash, in the order in which they were added. */
  find(name: string): number[];
}

const FIRST_BUCKETS = 1024;
/** Nobody who names things in a directory can foresee which names share a bucket. */
const SEED = randomInt(2 ** 32);

export function nameIndex(): NameIndex {
  const hashes = smallNumbers();
  const positions = smallNumbers();
  /** The entry before in the same bucket, counted from 1; 0 for none. */
  const earlier = smallNumbers();
  let latest = new Uint32Array(FIRST_BUCKETS);
  let count = 0;

  function link(entry: number): void {
    const bucket = hashes.get(entry) & (latest.length - 1);
    earlier.set(entry, latest[bucket] ?? 0);
    latest[bucket] = entry + 1;
  }

  return {
    add(name, position) {
      if (count === latest.length) {
        latest = new Uint32Array(latest.length * 2);
        for (let entry = 0; entry < count; entry++) link(entry);
      }
      hashes.set(count, hashOf(name));
      positions.set(count, position);
      link(count++);
    },
    find(name) {
      const hash = hashOf(name);
      const found: number[] = [];
      for (let entry = latest[hash & (latest.length - 1)] ?? 0; entry !== 0; entry = earlier.get(entry - 1)) {
        if (hashes.get(entry - 1) === hash) found.push(positions.get(entry - 1));
      }
      return found.reverse();
    },
  };
}

/** 31 bits, mixed as MurmurHash3 does. */
function hashOf(name: string): number {
  let hash = SEED | 0;
  for (let index = 0; index < name.length; index++) {
    const mixed = Math.imul(name.charCodeAt(index), 0xcc9e2d51);
    hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & 0x7fffffff;
}
