import { nameIndex } from '../../packed/name-index.ts';
import { jsonList, numbers, smallNumbers } from '../../packed/packed-list.ts';
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

/** The names and places of the users in one state of a file: some hundred bytes a user, whatever their blobs. */
export interface UserIndex {
  readonly count: number;
  user(position: number): User | undefined;
  place(position: number): Place | undefined;
  /** Positions of the users with a name in one of its forms. */
  find(key: string): number[];
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
  const users = jsonList<FileUser>();
  const places = packedPlaces();
  const names = nameIndex();
  const find = (key: string) =>
    names.find(key).filter((position) => {
      const user = users.at(position);
      return user !== undefined && keysOf(user).has(key);
    });
  for await (const record of readRecords(chunks, { source, only: INDEXED })) {
    domains.note(record);
    const user = isWithin(record.dn, options.baseDn ?? '') ? userIn(record, source) : null;
    if (user === null) continue;
    checkFirst(record, find, places, source);
    for (const key of keysOf(user)) names.add(key, users.length);
    places.set(users.push(user), { ...record.range, line: record.line });
  }
  return {
    count: users.length,
    user(position) {
      const user = users.at(position);
      return user === undefined ? undefined : withAccount(user, domains);
    },
    place: (position) => (position < users.length ? places.get(position) : undefined),
    find,
  };
}

interface Places {
  get(position: number): Place;
  set(position: number, place: Place): void;
}

function packedPlaces(): Places {
  const [starts, ends, lines] = [numbers(), numbers(), smallNumbers()];
  return {
    get: (position) => ({ start: starts.get(position), end: ends.get(position), line: lines.get(position) }),
    set(position, { start, end, line }) {
      starts.set(position, start);
      ends.set(position, end);
      lines.set(position, line);
    },
  };
}

function checkFirst(record: LdifRecord, find: UserIndex['find'], places: Places, source: string): void {
  const [earlier] = find(`dn:${dnKey(record.dn)}`);
  if (earlier === undefined) return;
  const problem = `${record.dn} stands in the file already, at line ${places.get(earlier).line}`;
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
export function findUser(index: UserIndex, text: string): User {
  const name = parseUserName(text);
  const account = name.kind === 'qualified' ? foldCase(accountOf(name.domain, name.name)) : null;
  const matches = index
    .find(keyOf(name))
    .flatMap((position) => index.user(position) ?? [])
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
export function placeOf(index: UserIndex, dn: string): Place {
  const [position] = index.find(`dn:${dnKey(dn)}`);
  const place = position === undefined ? undefined : index.place(position);
  if (place === undefined) throw userNotFound(dn);
  return place;
}

/** The index after one record was replaced by another. */
export function withReplaced(index: UserIndex, old: Block, replacement: Block): UserIndex {
  const bytes = replacement.bytes.length - old.bytes.length;
  const lines = linesIn(replacement.bytes) - linesIn(old.bytes);
  const places = packedPlaces();
  for (let position = 0; position < index.count; position++) {
    const place = index.place(position);
    if (place !== undefined) places.set(position, moved(place, old.start, bytes, lines));
  }
  return { ...index, place: (position) => (position < index.count ? places.get(position) : undefined) };
}

function moved({ start, end, line }: Place, at: number, bytes: number, lines: number): Place {
  if (start < at) return { start, end, line };
  if (start === at) return { start, end: end + bytes, line };
  return { start: start + bytes, end: end + bytes, line: line + lines };
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf('\n'); at !== -1; at = bytes.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
