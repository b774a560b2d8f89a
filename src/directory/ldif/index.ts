import type { User } from '../directory.ts';
import { accountOf, dnKey, foldCase, isWithin, parseDn, parseUserName, userAmbiguous, userNotFound } from '../names.ts';
import { type LdifRecord, readRecords } from './ldif.ts';
import { type Block, type Chunks, invalidLdif } from './lines.ts';
import { domainNames, type FileUser, userIn, withAccount } from './users.ts';

export interface IndexOptions {
  /** NetBIOS domain of every account, whatever the file says. */
  domain?: string;
  /** Take only users at or below this distinguished name. */
  baseDn?: string;
}

/** Where a record is: its byte range in the file and the number of its first line. */
export interface Place {
  start: number;
  end: number;
  line: number;
}

/** The names and places of the users in one state of a file: its size depends on their number, not on their blobs. */
export interface UserIndex {
  users: readonly User[];
  places: readonly Place[];
  /** Positions in `users` by name in each of its forms. */
  byName: ReadonlyMap<string, readonly number[]>;
}

const INDEXED = new Set([
  'objectclass',
  'samaccountname',
  'userprincipalname',
  'objectsid',
  'objectguid',
  'admincount',
  'netbiosname',
  'ncname',
]);

/**
 * Reads a whole file once.
 * @throws MsmqCertError invalid-ldif, also when a user stands in the file twice
 */
export async function indexUsers(chunks: Chunks, source: string, options: IndexOptions): Promise<UserIndex> {
  const domains = domainNames(options.domain);
  const found: FileUser[] = [];
  const places: Place[] = [];
  const byName = new Map<string, number[]>();
  for await (const record of readRecords(chunks, { source, only: INDEXED })) {
    domains.note(record);
    const user = isWithin(record.dn, options.baseDn ?? '') ? userIn(record, source) : null;
    if (user === null) continue;
    checkFirst(record, byName, places, source);
    for (const key of keysOf(user)) {
      const positions = byName.get(key);
      if (positions === undefined) byName.set(key, [found.length]);
      else positions.push(found.length);
    }
    found.push(user);
    places.push({ ...record.range, line: record.line });
  }
  return { users: found.map((user) => withAccount(user, domains)), places, byName };
}

function checkFirst(
  record: LdifRecord,
  byName: ReadonlyMap<string, readonly number[]>,
  places: readonly Place[],
  source: string,
): void {
  const [earlier] = byName.get(`dn:${dnKey(record.dn)}`) ?? [];
  if (earlier === undefined) return;
  const problem = `${record.dn} stands in the file already, at line ${places[earlier]?.line}`;
  throw invalidLdif(source, record.line, problem, 'keep the right record and remove the other');
}

/** A user answers to the UPN that is set and to sAMAccountName@domain, as in Active Directory. */
function keysOf({ sam, upn, user }: FileUser): Set<string> {
  const keys = new Set([
    `dn:${dnKey(user.dn)}`,
    `sam:${foldCase(sam)}`,
    `upn:${foldCase(`${sam}@${dnsDomain(user.dn)}`)}`,
  ]);
  if (upn !== null) keys.add(`upn:${foldCase(upn)}`);
  if (user.sid !== null) keys.add(`sid:${user.sid}`);
  return keys;
}

function dnsDomain(dn: string): string {
  const parts = parseDn(dn).filter(({ type }) => type === 'dc');
  return parts.map(({ value }) => value).join('.');
}

/** @throws MsmqCertError user-not-found, user-ambiguous */
export function findUser({ users, byName }: UserIndex, text: string): User {
  const name = parseUserName(text);
  const account = name.kind === 'qualified' ? foldCase(accountOf(name.domain, name.name)) : null;
  const matches = (byName.get(keyOf(name)) ?? [])
    .flatMap((position) => users[position] ?? [])
    .filter((user) => account === null || foldCase(user.account) === account);
  const [user, ...others] = matches;
  if (user === undefined) throw userNotFound(text);
  if (others.length > 0)
    throw userAmbiguous(
      text,
      matches.map(({ dn }) => dn),
    );
  return user;
}

function keyOf(name: ReturnType<typeof parseUserName>): string {
  switch (name.kind) {
    case 'dn':
      return `dn:${dnKey(name.dn)}`;
    case 'sid':
      return `sid:${name.sid}`;
    case 'upn':
      return `upn:${foldCase(name.upn)}`;
    default:
      return `sam:${foldCase(name.name)}`;
  }
}

/** @throws MsmqCertError user-not-found */
export function placeOf({ byName, places }: UserIndex, dn: string): Place {
  const [position] = byName.get(`dn:${dnKey(dn)}`) ?? [];
  const place = position === undefined ? undefined : places[position];
  if (place === undefined) throw userNotFound(dn);
  return place;
}

/** The index after one record was replaced by another. */
export function withReplaced(index: UserIndex, old: Block, replacement: Block): UserIndex {
  const bytes = replacement.bytes.length - old.bytes.length;
  const lines = linesIn(replacement.bytes) - linesIn(old.bytes);
  const places = index.places.map((place) => {
    if (place.start < old.start) return place;
    if (place.start === old.start) return { ...place, end: place.end + bytes };
    return { start: place.start + bytes, end: place.end + bytes, line: place.line + lines };
  });
  return { ...index, places };
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf('\n'); at !== -1; at = bytes.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
