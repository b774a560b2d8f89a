import type { Pair } from '../../blob/pair.ts';
import type { Computer, ObjectKind, User } from '../directory.ts';
import { accountOf, fallbackDomain, guidText, isWithin, parseDn, partsKey, sidText } from '../names.ts';
import { computerOf, objectKindOf } from '../object-kinds.ts';
import { baseName, type LdifRecord } from './ldif.ts';
import { invalidLdif } from './lines.ts';

/** A user as one record of the file shows it; the domain may stand in another record. */
export interface FileUser {
  sam: string;
  upn: string | null;
  user: Omit<User, 'account'>;
}

const USER_CLASSES = ['user', 'person', 'inetorgperson', 'computer', 'msmqmigrateduser'];
const OTHER_CLASSES = ['group', 'contact'];

/**
 * The user that a record is; null when it is something else. A narrow export holds neither classes nor names but the dn
 * and the two attributes, if any: there every CN is taken for a user and names its account.
 * @throws MsmqCertError invalid-ldif when objectSid or objectGUID cannot be read
 */
export function userIn(record: LdifRecord, source: string): FileUser | null {
  if (!isUser(record)) return null;
  const [rdn] = parseDn(record.dn);
  const kind = kindIn(record);
  return {
    sam: textOf(record, 'samaccountname') ?? (rdn?.value || record.dn),
    upn: textOf(record, 'userprincipalname'),
    user: {
      dn: record.dn,
      sid: identityOf(record, 'objectsid', /^S-1-[\d-]+$/i, sidText, source)?.toUpperCase() ?? null,
      guid: identityOf(record, 'objectguid', /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, guidText, source),
      protected: textOf(record, 'admincount') === '1',
      ...(kind !== 'user' && { kind }),
    },
  };
}

function isUser(record: LdifRecord): boolean {
  const classes = valuesOf(record, 'objectclass').map((name) => name.toString().toLowerCase());
  if (classes.length === 0) return record.attributes.has('samaccountname') || looksLikeUser(record);
  if (classes.some((name) => OTHER_CLASSES.includes(name))) return false;
  return record.attributes.has('samaccountname') || classes.some((name) => USER_CLASSES.includes(name));
}

function looksLikeUser(record: LdifRecord): boolean {
  return parseDn(record.dn)[0]?.type === 'cn' && !record.attributes.has('netbiosname');
}

/** ldapsearch and ldifde give these two in binary, other exports in text. */
function identityOf(
  record: LdifRecord,
  name: string,
  text: RegExp,
  fromBytes: (bytes: Uint8Array) => string,
  source: string,
): string | null {
  const [value] = valuesOf(record, name);
  if (value === undefined) return null;
  if (text.test(value.toString())) return value.toString();
  try {
    return fromBytes(value);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw invalidLdif(source, record.line, problem, 'export this record again, or remove the attribute from it');
  }
}

/** The kind of object that a user's record is; an export without classes still shows a computer by its dollar sign. */
export function kindIn(record: LdifRecord): ObjectKind {
  const classes = valuesOf(record, 'objectclass').map(String);
  const bare = classes.length === 0 && (textOf(record, 'samaccountname') ?? '').endsWith('$');
  return bare ? 'computer' : objectKindOf(classes);
}

/** The computer account that a record is, null when it is something else. */
export function computerIn(record: LdifRecord): Computer | null {
  if (!isUser(record) || kindIn(record) !== 'computer') return null;
  return computerOf((name) => textOf(record, name.toLowerCase()));
}

/** Whether a record holds values that only Windows 2000 used (specification §3). */
export function isLegacy(record: LdifRecord): boolean {
  return ['msmqdigestsmig', 'msmqsigncertificatesmig'].some((name) => valuesOf(record, name).length > 0);
}

/** The user of a record as the rest of the tool knows him; null when the record is none, or not below the base. */
export function completeUser(
  record: LdifRecord,
  source: string,
  { domains, baseDn }: { domains: Domains; baseDn: string | undefined },
): User | null {
  const found = isWithin(record.dn, baseDn ?? '') ? userIn(record, source) : null;
  return found === null ? null : withAccount(found, domains);
}

export function withAccount({ sam, user }: FileUser, domains: Domains): User {
  return { account: accountOf(domains.of(user.dn), sam), ...user };
}

/** NetBIOS names of the domains in a file. */
export interface Domains {
  note(record: LdifRecord): void;
  /** The domain of an entry, in this order: the given one, the crossRef of its DC components, the first DC. */
  of(dn: string): string;
}

export function domainNames(given: string | undefined): Domains {
  const byRoot = new Map<string, string>();
  return {
    note(record) {
      const name = textOf(record, 'netbiosname');
      if (name !== null) byRoot.set(rootKey(textOf(record, 'ncname') ?? ''), name);
    },
    of: (dn) => given ?? byRoot.get(rootKey(dn)) ?? byRoot.get(rootKey('')) ?? fallbackDomain(dn),
  };
}

function rootKey(dn: string): string {
  return partsKey(parseDn(dn).filter(({ type }) => type === 'dc'));
}

/**
 * The two attributes of a record.
 * @throws MsmqCertError invalid-ldif when there are two blobs, or when ranges of digests are missing
 */
export function pairIn(record: LdifRecord, source: string): Pair {
  const blobs = valuesOf(record, 'msmqsigncertificates');
  if (blobs.length > 1) {
    const problem = `${record.dn} has ${blobs.length} values of mSMQSignCertificates, which holds one`;
    throw invalidLdif(source, record.line, problem, 'keep the right one and remove the others');
  }
  return { blob: blobs[0] ?? null, digests: digestsIn(record, source) };
}

interface Range {
  low: number;
  /** Number of the last value, null when the range goes to the end. */
  high: number | null;
  values: Buffer[];
}

/**
 * The values of mSMQDigests. Past 1,500 of them a directory answers in ranges, next to the attribute without values
 * (specification §6).
 * @throws MsmqCertError invalid-ldif when ranges are missing
 */
export function digestsIn(record: LdifRecord, source: string): Buffer[] {
  const ranges = rangesOf(record, 'msmqdigests').sort((a, b) => a.low - b.low);
  if (ranges.length === 0) return valuesOf(record, 'msmqdigests');
  let next: number | null = 0;
  for (const { low, high } of ranges) {
    if (low !== next) break;
    next = high === null ? null : high + 1;
  }
  if (next === null) return ranges.flatMap(({ values }) => values);
  const problem = `the values of mSMQDigests from number ${next} on are not in ${record.dn}`;
  throw invalidLdif(source, record.line, problem, 'export all ranges up to the one that ends with *');
}

function rangesOf(record: LdifRecord, base: string): Range[] {
  return [...record.attributes].flatMap(([name, values]) => {
    const [, low, high] = /;range=(\d+)-(\d+|\*)(?:;|$)/.exec(name) ?? [];
    if (baseName(name) !== base || low === undefined) return [];
    return { low: Number(low), high: high === '*' ? null : Number(high), values };
  });
}

function valuesOf(record: LdifRecord, base: string): Buffer[] {
  return [...record.attributes].flatMap(([name, values]) => (baseName(name) === base ? values : []));
}

function textOf(record: LdifRecord, base: string): string | null {
  return valuesOf(record, base)[0]?.toString() ?? null;
}
