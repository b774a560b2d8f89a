import { toHex } from '../../blob/digest.ts';
import type { DigestHolders, Listing, ObjectKind, User } from '../directory.ts';

const EVERY_KIND: ReadonlySet<ObjectKind> = new Set(['user', 'computer', 'managed-service-account', 'migrated-user']);

type Holders = Map<string, User[]>;

/** The objects of a file by their digests. The file is gone through once for each of its states, `stampOf` tells which. */
export function digestFinder(users: Listing['users'], stampOf: () => Promise<string>): Listing['findByDigest'] {
  let known: { stamp: string; holders: Promise<Holders> } | null = null;
  /** What failed once may work the next time. */
  const forget = (error: unknown): never => {
    known = null;
    throw error;
  };
  return async (digests): Promise<DigestHolders> => {
    const stamp = await stampOf();
    if (known?.stamp !== stamp) known = { stamp, holders: holdersIn(users).catch(forget) };
    const holders = await known.holders;
    const found = new Set(digests.flatMap((digest) => holders.get(toHex(digest)) ?? []));
    return { reach: { kind: 'file' }, users: [...found] };
  };
}

async function holdersIn(users: Listing['users']): Promise<Holders> {
  const holders: Holders = new Map();
  for await (const listed of users({ kind: 'all', filter: null, include: EVERY_KIND })) {
    if (listed.kind === 'unread') continue;
    for (const digest of listed.pair.digests) {
      const key = toHex(digest);
      holders.set(key, [...(holders.get(key) ?? []), listed.user]);
    }
  }
  return holders;
}
