import { AndFilter, type Entry, EqualityFilter, type Filter, OrFilter } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import type { User } from '../../directory.ts';
import {
  accountOf,
  foldCase,
  guidText,
  parseUserName,
  sidBytes,
  sidText,
  type UserName,
  userAmbiguous,
  userNotFound,
} from '../../names.ts';
import { objectKindOf } from '../../object-kinds.ts';
import type { Search } from './search.ts';

/** The domain whose users are looked up. */
export interface Domain {
  /** Where searches start. */
  base: string;
  /** CORP */
  netbios: string;
  /** corp.example */
  dns: string;
}

/** The attributes that {@link userOf} looks at, and those of them that are read as bytes. */
export const BINARY = ['objectSid', 'objectGUID'];
export const ATTRIBUTES = [...BINARY, 'sAMAccountName', 'name', 'adminCount', 'objectClass'];
/** Enough to name the rivals of an ambiguous name. */
const MOST_SHOWN = 20;

// computers and service accounts inherit from user; migrated users of MSMQ do not (specification §3)
const IS_USER = new OrFilter({ filters: [equals('objectClass', 'user'), equals('objectClass', 'mSMQMigratedUser')] });

/**
 * Finds the one user, computer or service account with this name.
 * @throws MsmqCertError user-not-found, user-ambiguous
 */
export async function findUser(search: Search, domain: Domain, name: string): Promise<User> {
  // Samba ends a value at a NUL and would find the user named before it
  if (name.includes('\0')) throw userNotFound(name.replaceAll('\0', '\\0'));
  const entries = await entriesNamed(search, domain, parseUserName(name));
  const [entry, ...others] = entries;
  if (entry === undefined) throw userNotFound(name);
  if (others.length > 0)
    throw userAmbiguous(
      name,
      entries.map(({ dn }) => dn),
    );
  return userOf(entry, domain);
}

/** Far below what a server takes as a filter, and enough that the way there and back does not count. */
const NAMES_A_SEARCH = 100;

/** Those of these names that are an account of the domain, in one search for many; null for others. */
export async function findUsers(search: Search, domain: Domain, names: readonly string[]): Promise<(User | null)[]> {
  const accounts = names.map((name) => accountIn(domain, name));
  const known = new Map<string, User | null>();
  const wanted = [...new Set(accounts.flatMap((account) => account ?? []))];
  for (let start = 0; start < wanted.length; start += NAMES_A_SEARCH) {
    const filters = wanted.slice(start, start + NAMES_A_SEARCH).map((name) => equals('sAMAccountName', name));
    const filter = new OrFilter({ filters });
    for (const entry of await usersIn(search, domain.base, 'sub', filter, 2 * NAMES_A_SEARCH)) {
      const account = foldCase(textOf(entry, 'sAMAccountName') ?? '');
      // of two with one name nobody knows which one is meant
      known.set(account, known.has(account) ? null : userOf(entry, domain));
    }
  }
  return accounts.map((account) => (account === null ? null : (known.get(account) ?? null)));
}

/** The sAMAccountName that a name of the domain stands for; null when it is of another form, or another domain's. */
function accountIn(domain: Domain, text: string): string | null {
  const name = formOf(text);
  if (name?.kind === 'sam') return foldCase(name.name);
  if (name?.kind !== 'qualified') return null;
  const isOurs = [domain.netbios, domain.dns].some((known) => foldCase(known) === foldCase(name.domain));
  return isOurs ? foldCase(name.name) : null;
}

function formOf(text: string): UserName | null {
  if (text.includes('\0')) return null;
  try {
    return parseUserName(text);
  } catch {
    return null;
  }
}

function entriesNamed(search: Search, domain: Domain, name: UserName): Promise<Entry[]> {
  // filter objects put their values on the wire as they are: there is nothing to escape and nothing to escape from
  const having = (filter: Filter) => usersIn(search, domain.base, 'sub', filter);
  switch (name.kind) {
    case 'dn':
      return usersIn(search, name.dn, 'base', null);
    case 'sid':
      return having(equals('objectSid', sidBytes(name.sid)));
    case 'sam':
      return having(equals('sAMAccountName', name.name));
    case 'qualified':
      requireDomain(domain, name.domain, name.name);
      return having(equals('sAMAccountName', name.name));
    case 'upn':
      return entriesWithUpn(having, domain, name.upn);
  }
}

/** Every account also answers to sAMAccountName@its.domain, unless somebody has that name as a UPN of his own. */
async function entriesWithUpn(
  having: (filter: Filter) => Promise<Entry[]>,
  domain: Domain,
  upn: string,
): Promise<Entry[]> {
  const explicit = await having(equals('userPrincipalName', upn));
  const cut = upn.lastIndexOf('@');
  if (explicit.length > 0 || foldCase(upn.slice(cut + 1)) !== foldCase(domain.dns)) return explicit;
  return having(equals('sAMAccountName', upn.slice(0, cut)));
}

function usersIn(
  search: Search,
  base: string,
  scope: 'base' | 'sub',
  filter: Filter | null,
  sizeLimit = MOST_SHOWN,
): Promise<Entry[]> {
  return search(base, {
    scope,
    filter: filter === null ? IS_USER : new AndFilter({ filters: [filter, IS_USER] }),
    attributes: ATTRIBUTES,
    explicitBufferAttributes: BINARY,
    sizeLimit,
  });
}

function equals(attribute: string, value: string | Buffer): EqualityFilter {
  return new EqualityFilter({ attribute, value });
}

function requireDomain(domain: Domain, wanted: string, name: string): void {
  if ([domain.netbios, domain.dns].some((known) => foldCase(known) === foldCase(wanted))) return;
  throw new MsmqCertError('user-not-found', `no user "${wanted}\\${name}" in the directory`, {
    hint: `this directory serves the domain ${domain.netbios} (${domain.dns}): use a domain controller of ${wanted}`,
  });
}

/** @throws MsmqCertError directory-error when objectSid or objectGUID cannot be read */
export function userOf(entry: Entry, domain: Domain): User {
  const sid = bytesOf(entry, 'objectSid');
  const guid = bytesOf(entry, 'objectGUID');
  const kind = objectKindOf([entry['objectClass'] ?? []].flat().map(String));
  return {
    account: accountOf(domain.netbios, textOf(entry, 'sAMAccountName') ?? textOf(entry, 'name') ?? entry.dn),
    dn: entry.dn,
    sid: sid === null ? null : sidText(sid),
    guid: guid === null ? null : guidText(guid),
    protected: textOf(entry, 'adminCount') === '1',
    ...(kind !== 'user' && { kind }),
  };
}

/** The one value of an attribute as bytes, null when it has none, or came as text. */
export function bytesOf(entry: Entry, name: string): Buffer | null {
  const value = entry[name];
  return Buffer.isBuffer(value) ? value : null;
}

/** The one value of an attribute as text, null when it has none or several. */
export function textOf(entry: Entry, name: string): string | null {
  const value = entry[name];
  return typeof value === 'string' ? value : null;
}
