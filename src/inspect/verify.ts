import type { DecodedEntry } from '../blob/codec.ts';
import { asBuffer, md5, toHex } from '../blob/digest.ts';
import { entriesOf } from '../blob/edit.ts';
import { type DigestHolders, type Directory, type Listing, type User, userKey } from '../directory/directory.ts';
import { toMsmqCertError } from '../errors.ts';
import { reachText } from '../judge/reach.ts';

/** What a receiver would find out about a certificate (specification §5). */
export interface Verification {
  /** MD5 of the certificate, in hex. */
  digest: string;
  reach: DigestHolders['reach'];
  /** The one object that has the digest, null when there is none or more than one. */
  byDigest: User | null;
  /** The sender, when one certificate of his equals this one byte for byte; null otherwise. */
  bySid: User | null;
  /** Both lookups lead to the sender. */
  accepted: boolean;
  /** Why not, one sentence each; empty when accepted. */
  reasons: string[];
}

/**
 * Looks a certificate up in both ways that are documented: by its digest, which must lead to one object with the SID of
 * the sender, and by that SID, whose object must hold the certificate byte for byte (specification §5).
 * @param sender any name or the SID of the one whose SID the message carries; null for whoever has the digest
 * @param subjectAccount whom the certificate itself names; taken for the sender when nothing else tells
 */
export async function verify(
  directory: Directory & Listing,
  certificate: Uint8Array,
  sender: string | null,
  subjectAccount: string | null,
): Promise<Verification> {
  const digest = md5(certificate);
  const { reach, users } = await directory.findByDigest([digest]);
  const [byDigest = null, ...others] = users;
  const holder = others.length === 0 ? byDigest : null;
  const name = sender ?? (holder === null ? subjectAccount : null);
  const named = name === null ? { user: holder, reason: null } : await findSender(directory, name);
  const reasons = [
    ...digestReasons(users, toHex(digest), reach),
    ...(named.reason === null ? [] : [named.reason]),
    ...senderReasons(holder, named.user),
  ];

  const held = named.user === null ? null : await lookInBlob(directory, named.user, certificate);
  if (held?.reason) reasons.push(held.reason);
  const bySid = held !== null && held.reason === null ? named.user : null;
  if (named.user === null && name === null) reasons.push('by SID: nothing can be looked up, as no sender is named');
  return { digest: toHex(digest), reach, byDigest: holder, bySid, accepted: reasons.length === 0, reasons };
}

function digestReasons(users: readonly User[], digest: string, reach: DigestHolders['reach']): string[] {
  if (users.length === 0) return [`by digest: no object in ${reachText(reach)} has ${digest} in mSMQDigests`];
  if (users.length === 1) return [];
  const names = users.map(({ account }) => account).join(', ');
  return [`by digest: ${users.length} objects in ${reachText(reach)} have ${digest}, and must be one: ${names}`];
}

function senderReasons(holder: User | null, sender: User | null): string[] {
  if (holder === null || sender === null || userKey(holder) === userKey(sender)) return [];
  return [`by digest: the certificate belongs to ${holder.account}, whose SID is not that of ${sender.account}`];
}

async function findSender(
  directory: Directory,
  name: string,
): Promise<{ user: User; reason: null } | { user: null; reason: string }> {
  try {
    return { user: await directory.findUser(name), reason: null };
  } catch (thrown) {
    const error = toMsmqCertError(thrown);
    if (error.code !== 'user-not-found' && error.code !== 'user-ambiguous') throw error;
    return { user: null, reason: `by SID: ${error.message}` };
  }
}

async function lookInBlob(
  directory: Directory,
  user: User,
  certificate: Uint8Array,
): Promise<{ reason: string | null }> {
  const pair = await directory.read(user);
  let entries: DecodedEntry[];
  try {
    entries = entriesOf(pair);
  } catch (thrown) {
    return { reason: `by SID: ${toMsmqCertError(thrown).message}` };
  }
  if (entries.some((entry) => entry.certificate.equals(asBuffer(certificate)))) return { reason: null };
  const count = entries.length === 1 ? '1 certificate' : `${entries.length} certificates`;
  return { reason: `by SID: none of the ${count} of ${user.account} equals this one byte for byte` };
}
