import { type Listing, type Survey, type User, userKey } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { reachText } from '../judge/reach.ts';
import { additionsOf, type UserPlan } from './plan.ts';

/**
 * Refuses to register somebody's certificate for a second user: a receiver looks for the one object in the forest that
 * has its digest (specification §5).
 * @throws MsmqCertError digest-shared
 */
export async function guardSharedDigests(plan: UserPlan, findByDigest: Listing['findByDigest']): Promise<void> {
  const externals = additionsOf(plan).flatMap(({ source }) => (source.kind === 'external' ? [source] : []));
  if (externals.length === 0) return;
  const isOther = (holder: User) => userKey(holder) !== userKey(plan.user);
  const { users } = await findByDigest(externals.map(({ digest }) => Buffer.from(digest, 'hex')));
  if (!users.some(isOther)) return;

  for (const { digest, file } of externals) {
    const { reach, users } = await findByDigest([Buffer.from(digest, 'hex')]);
    const other = users.find(isOther);
    if (other !== undefined) throw digestShared(plan.user, other, file, reach);
  }
}

function digestShared(user: User, other: User, file: string, reach: Survey['reach']): MsmqCertError {
  return new MsmqCertError(
    'digest-shared',
    `the certificate in ${file} is registered for ${other.account} already, found in ${reachText(reach)}`,
    {
      hint: `receivers find one user by a certificate: issue another for ${user.account}, or remove it from ${other.account} first`,
    },
  );
}
