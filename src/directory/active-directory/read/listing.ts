import { AndFilter, type Entry, EqualityFilter, type Filter, FilterParser, NotFilter, OrFilter } from 'ldapts';
import type { Pair } from '../../../blob/pair.ts';
import { MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import type { Listed, Listing, ObjectKind, Scope } from '../../directory.ts';
import { userNotFound } from '../../names.ts';
import { objectKindOf } from '../../object-kinds.ts';
import type { LdapAddress } from '../address.ts';
import type { Link } from '../connect/connection.ts';
import { entryBase } from '../write/swap.ts';
import { entriesBelow, valuesOf } from './pages.ts';
import { BLOB, DIGESTS, readPair, type Search } from './search.ts';
import { ATTRIBUTES, BINARY, type Domain, findUser, userOf } from './users.ts';

export interface ListingContext {
  link: Link;
  address: LdapAddress;
  search: Search;
  domain: Domain;
  timeoutMs: number;
}

/**
 * Objects in one answer. A blob can have 1 MiB (specification §3), and two pages are in memory at a time: the one that is
 * gone through and the one that is on its way.
 */
const PAGE = 40;
/** Named users that are looked up side by side. */
const LOOKUPS = 8;

const LEGACY = ['mSMQDigestsMig', 'mSMQSignCertificatesMig'];
const FIRST_RANGE = `${DIGESTS};range=0-1499`;
const LISTED = [...ATTRIBUTES, BLOB, DIGESTS, ...LEGACY];
const AS_BYTES = [...BINARY, BLOB, DIGESTS, FIRST_RANGE, ...LEGACY];

/** Goes through the objects of a scope; see {@link Listing}. */
export function listUsers(context: ListingContext, scope: Scope): ReturnType<Listing['users']> {
  return scope.kind === 'all' ? listAll(context, scope) : listNamed(context, scope.names);
}

async function* listAll(
  context: ListingContext,
  { filter, include }: Extract<Scope, { kind: 'all' }>,
): AsyncGenerator<Listed> {
  const { link, address, domain, timeoutMs } = context;
  const options = {
    filter: filterFor(filter, include),
    attributes: LISTED,
    explicitBufferAttributes: AS_BYTES,
    timeoutMs,
    page: PAGE,
  };
  for await (const entry of entriesBelow(link, address, domain.base, options)) {
    if (include.has(kindOf(entry))) yield await listedOf(context, entry);
  }
}

/** The server leaves out what it safely can; kinds that only newer schemas know are told apart afterwards. */
function filterFor(filter: string | null, include: ReadonlySet<ObjectKind>): Filter {
  const computers = include.has('computer') || include.has('managed-service-account');
  const users = computers
    ? isOf('user')
    : new AndFilter({ filters: [isOf('user'), new NotFilter({ filter: isOf('computer') })] });
  const kinds = include.has('migrated-user') ? new OrFilter({ filters: [users, isOf('mSMQMigratedUser')] }) : users;
  return filter === null ? kinds : new AndFilter({ filters: [kinds, parseFilter(filter)] });
}

function isOf(objectClass: string): Filter {
  return new EqualityFilter({ attribute: 'objectClass', value: objectClass });
}

function parseFilter(text: string): Filter {
  try {
    return FilterParser.parseString(text);
  } catch (cause) {
    throw new MsmqCertError('usage', `the filter ${text} is no LDAP filter`, {
      hint: 'write it as in (department=Sales) or (&(department=Sales)(l=Bonn))',
      cause,
    });
  }
}

async function* listNamed(context: ListingContext, names: readonly string[]): AsyncGenerator<Listed> {
  for (let start = 0; start < names.length; start += LOOKUPS) {
    yield* await Promise.all(names.slice(start, start + LOOKUPS).map((name) => listedNamed(context, name)));
  }
}

async function listedNamed(context: ListingContext, name: string): Promise<Listed> {
  const { search, domain } = context;
  try {
    const user = await findUser(search, domain, name);
    const [entry] = await search(entryBase(user), {
      scope: 'base',
      attributes: LISTED,
      explicitBufferAttributes: AS_BYTES,
    });
    if (entry === undefined) throw userNotFound(name);
    return await listedOf(context, entry);
  } catch (error) {
    return { kind: 'unread', name, error: toMsmqCertError(error) };
  }
}

async function listedOf({ search, domain }: ListingContext, entry: Entry): Promise<Listed> {
  try {
    const user = userOf(entry, domain);
    const pair = wholePair(entry) ?? (await readPair(search, entryBase(user)));
    if (pair === null) throw userNotFound(user.account);
    const legacy = LEGACY.some((name) => valuesOf(entry, name).length > 0);
    return { kind: 'read', user, objectKind: kindOf(entry), pair, legacy };
  } catch (error) {
    return { kind: 'unread', name: entry.dn, error: toMsmqCertError(error) };
  }
}

function kindOf(entry: Entry): ObjectKind {
  return objectKindOf(valuesOf(entry, 'objectClass').map(String));
}

/** The pair as it came with the entry; null when there is more of it than fits, or under a name that nobody expected. */
function wholePair(entry: Entry): Pair | null {
  const named = (name: string) => name.toLowerCase().startsWith('msmq') && ![BLOB, DIGESTS, ...LEGACY].includes(name);
  if (Object.keys(entry).some(named)) return null;
  const [blob = null, ...more] = valuesOf(entry, BLOB);
  const digests = valuesOf(entry, DIGESTS).filter((value) => Buffer.isBuffer(value));
  return typeof blob === 'string' || more.length > 0 ? null : { blob, digests };
}
