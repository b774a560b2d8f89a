import assert from 'node:assert/strict';
import { toHex } from '../../src/blob/digest.ts';
import type { Pair } from '../../src/blob/pair.ts';
import type { Directory, Listing, User } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';

/** A directory of a few users that can only be looked at. */
export function directoryOf(pairs: readonly (readonly [User, Pair])[]): Directory & Listing {
  const digestsOf = ({ digests }: Pair) => digests.map(toHex);
  return {
    server: 'memory',
    async findUser(name) {
      const found = pairs.find(
        ([{ account, sid }]) => account === name || account.endsWith(`\\${name}`) || sid === name,
      );
      if (found === undefined) throw new MsmqCertError('user-not-found', `there is no user ${name}`);
      return found[0];
    },
    async read(user) {
      const found = pairs.find(([each]) => each.dn === user.dn);
      assert.ok(found);
      return found[1];
    },
    async findByDigest(digests) {
      const wanted = digests.map(toHex);
      const holders = pairs.filter(([, pair]) => digestsOf(pair).some((digest) => wanted.includes(digest)));
      return { reach: { kind: 'forest' }, users: holders.map(([user]) => user) };
    },
    computersNamed: async () => ({ computers: [], areReadable: true }),
    swap: () => assert.fail('nothing is written'),
    users: () => assert.fail('nobody goes through all users'),
    survey: () => assert.fail('nobody surveys'),
    close: async () => {},
  };
}
