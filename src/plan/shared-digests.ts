import { toHex } from '../blob/digest.ts';
import { changeTo } from '../blob/edit.ts';
import { type Listing, type Survey, type User, userKey } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { reachText } from '../judge/reach.ts';
import { additionsOf, type UserPlan } from './plan.ts';

/**
 * Refuses to put a digest on a second object: a receiver looks for the one object in the forest that has it
 * (specification §5). Whatever adds it counts: a certificate handed in, a restore, an undo, a repair. Keys that the run
 * makes are left out, as nobody can have their digests yet.
 * @throws MsmqCertError digest-shared
 */
export type SharedDigestGuard = (plan: UserPlan) => Promise<void>;

/** The guard for one run; it also knows what other users of the run are about to be given. */
export function sharedDigestGuard(findByDigest: Listing['findByDigest']): SharedDigestGuard {
  const takers = new Map<string, User>();
  return async (plan) => {
    const digests = digestsAdded(plan);
    for (const digest of digests) {
      const taker = takers.get(digest) ?? plan.user;
      if (userKey(taker) !== userKey(plan.user)) throw givenTwice(plan, taker, digest);
      takers.set(digest, taker);
    }
    const shared = await findShared(plan.user, digests, findByDigest);
    if (shared !== null) throw digestShared(plan, shared);
  };
}

/** The digests that a plan adds, those of new keys left out. */
function digestsAdded(plan: UserPlan): string[] {
  const { before, desired } = plan;
  if (desired.kind === 'pair') return changeTo(before, desired.pair).digestsToAdd.map(toHex);
  return additionsOf(plan).flatMap(({ source }) => (source.kind === 'external' ? [source.digest] : []));
}

interface Shared {
  digest: string;
  other: User;
  reach: Survey['reach'];
}

/** Asks for all of them at once, and only when somebody has one of them, which it is. */
async function findShared(
  user: User,
  digests: readonly string[],
  findByDigest: Listing['findByDigest'],
): Promise<Shared | null> {
  const [digest] = digests;
  if (digest === undefined) return null;
  const { reach, users } = await findByDigest(digests.map((each) => Buffer.from(each, 'hex')));
  const other = users.find((holder) => userKey(holder) !== userKey(user));
  if (other === undefined) return null;
  if (digests.length === 1) return { digest, other, reach };
  const half = Math.ceil(digests.length / 2);
  return (
    (await findShared(user, digests.slice(0, half), findByDigest)) ??
    (await findShared(user, digests.slice(half), findByDigest))
  );
}

function digestShared(plan: UserPlan, { digest, other, reach }: Shared): MsmqCertError {
  const message = `${nameOf(plan, digest)} is registered for ${other.account} already, found in ${reachText(reach)}`;
  return new MsmqCertError('digest-shared', message, {
    hint: `receivers find one user by a certificate: issue another for ${plan.user.account}, or remove it from ${other.account} first`,
  });
}

function givenTwice(plan: UserPlan, other: User, digest: string): MsmqCertError {
  const message = `${nameOf(plan, digest)} is meant for ${plan.user.account} and for ${other.account} in the same run`;
  return new MsmqCertError('digest-shared', message, {
    hint: 'receivers find one user by a certificate: leave one of the two out',
  });
}

function nameOf(plan: UserPlan, digest: string): string {
  const external = additionsOf(plan).find(({ source }) => source.kind === 'external' && source.digest === digest);
  return external?.source.kind === 'external'
    ? `the certificate in ${external.source.file}`
    : `the certificate with the digest ${digest}`;
}
