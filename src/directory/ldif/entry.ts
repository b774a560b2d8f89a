import type { Pair } from '../../blob/pair.ts';
import type { ObjectKind, User } from '../directory.ts';
import { ldifAttribute, ldifBinary } from './ldif.ts';

const CLASSES: Record<ObjectKind, string> = {
  user: 'user',
  computer: 'computer',
  'managed-service-account': 'msDS-GroupManagedServiceAccount',
  'migrated-user': 'mSMQMigratedUser',
};

/**
 * A user with the exact values of both attributes as one LDIF entry, with what tells the user apart. It ends with a
 * blank line. SID and GUID are in their text form, for people; the file is a record to be restored from by this tool.
 */
export function entryRecord({ account, dn, sid, guid, kind = 'user' }: User, { blob, digests }: Pair): string {
  const lines = [
    ldifAttribute('dn', dn),
    ldifAttribute('objectClass', CLASSES[kind]),
    ldifAttribute('sAMAccountName', account.slice(account.indexOf('\\') + 1)),
    ...(sid === null ? [] : [ldifAttribute('objectSid', sid)]),
    ...(guid === null ? [] : [ldifAttribute('objectGUID', guid)]),
    ...(blob === null ? [] : [ldifBinary('mSMQSignCertificates', blob)]),
    ...digests.map((digest) => ldifBinary('mSMQDigests', digest)),
  ];
  return `${lines.join('')}\n`;
}
