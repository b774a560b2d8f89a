import { hash } from 'node:crypto';
import { type Listed, type User, userKey } from './directory.ts';

/** One of `count` parts of all users, numbered from 1. */
export interface Shard {
  index: number;
  count: number;
}

const HASH_BYTES = 6;

/** Reads `2/8`; null when it is no such thing. */
export function parseShard(text: string): Shard | null {
  const [, index, count] = /^([1-9]\d{0,8})\/([1-9]\d{0,8})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  return shard.index <= shard.count ? shard : null;
}

/**
 * Whether a user belongs to a shard: by objectGUID, which stays when the user is renamed or moved; by SID, or else DN, when
 * there is none. Each user belongs to exactly one shard of as many.
 */
export function isInShard(user: Pick<User, 'guid' | 'sid' | 'dn'>, { index, count }: Shard): boolean {
  return hash('sha256', userKey(user), 'buffer').readUIntBE(0, HASH_BYTES) % count === index - 1;
}

/**
 * Those of a listing that belong to a shard. What could not be read comes with every shard: of such an object nobody knows
 * the GUID, and one that only this process cannot read must not be passed over by all.
 */
export async function* ofShard(listed: AsyncIterable<Listed>, shard: Shard): AsyncGenerator<Listed> {
  for await (const each of listed) {
    if (each.kind === 'unread' || isInShard(each.user, shard)) yield each;
  }
}
