import type { Pair } from '../../blob/pair.ts';
import type { ObjectKind, User } from '../directory.ts';
import { ldifAttribute, ldifBinary } from './ldif.ts';
import type { Block } from './lines.ts';

const CLASSES: Record<ObjectKind, string> = {
  user: 'user',
  computer: 'computer',
  'managed-service-account': 'msDS-GroupManagedServiceAccount',
  'migrated-user': 'mSMQMigratedUser',
};

/**
 * A user with the exact values of both attributes as one LDIF entry, with what tells the user apart. It ends with a
 * blank line. SID and GUID are in their text form, for people; the file is a record to be restored from by this tool. An
 * attribute without a value is named in a comment: an export that left it out looks the same otherwise.
 */
export function entryRecord({ account, dn, sid, guid, kind = 'user' }: User, { blob, digests }: Pair): string {
  const lines = [
    ldifAttribute('dn', dn),
    ldifAttribute('objectClass', CLASSES[kind]),
    ldifAttribute('sAMAccountName', account.slice(account.indexOf('\\') + 1)),
    ...(sid === null ? [] : [ldifAttribute('objectSid', sid)]),
    ...(guid === null ? [] : [ldifAttribute('objectGUID', guid)]),
    blob === null ? emptyComment('mSMQSignCertificates') : ldifBinary('mSMQSignCertificates', blob),
    ...digests.map((digest) => ldifBinary('mSMQDigests', digest)),
    ...(digests.length === 0 ? [emptyComment('mSMQDigests')] : []),
  ];
  return `${lines.join('')}\n`;
}

function emptyComment(attribute: PairAttribute): string {
  return `# ${attribute} has no value\n`;
}

/** Whether a record of {@link entryRecord} says that the attribute had no value. */
export function saysEmpty({ bytes }: Block, attribute: PairAttribute): boolean {
  return bytes.includes(`\n${emptyComment(attribute).trimEnd()}`);
}

type PairAttribute = 'mSMQSignCertificates' | 'mSMQDigests';
