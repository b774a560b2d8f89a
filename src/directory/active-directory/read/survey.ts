import { EqualityFilter, PresenceFilter } from 'ldapts';
import type { Listing, Surrounding, Survey } from '../../directory.ts';
import { parseDn } from '../../names.ts';
import { COMPUTER_ATTRIBUTES, computerOf, objectKindOf } from '../../object-kinds.ts';
import { isGlobalCatalog, type LdapAddress } from '../address.ts';
import type { Link } from '../connect/connection.ts';
import { entriesBelow, valuesOf } from './pages.ts';
import { domainsInForest, type RootDse } from './root-dse.ts';
import { DIGESTS, readPair, searchThrough } from './search.ts';
import { textOf } from './users.ts';

export interface SurveyContext {
  link: Link;
  address: LdapAddress;
  rootDse: RootDse;
  timeoutMs: number;
  /** Connects to the same server at another address. */
  connect(address: LdapAddress): Promise<Link>;
}

/** Where to look, and how to leave it again. */
export interface Source {
  link: Link;
  address: LdapAddress;
  base: string;
  reach: Survey['reach'];
  leave(): Promise<void>;
}

type Part = Parameters<Listing['survey']>[0];

const DIGESTS_PAGE = 200;
const COMPUTERS_PAGE = 500;
const FIRST_RANGE = `${DIGESTS};range=0-1499`;

/**
 * Digests and computer accounts of the whole forest when the server is a global catalog that can be reached, of its
 * domain otherwise. Receivers look a digest up in the forest (specification §5).
 */
export async function surveyForest(context: SurveyContext, part: Part): Promise<Survey> {
  const source = await sourceFor(context);
  return { reach: source.reach, surroundings: surroundingsOf(source, part, context.timeoutMs) };
}

/** The global catalog of the forest when the server is one that can be reached, its domain otherwise. */
export async function sourceFor(context: SurveyContext): Promise<Source> {
  return (await forestSource(context)) ?? (await domainSource(context));
}

async function forestSource({ link, address, rootDse, connect }: SurveyContext): Promise<Source | null> {
  const reach = { kind: 'forest' } as const;
  if (isGlobalCatalog(address)) return { link, address, base: '', reach, leave: async () => {} };
  if (!rootDse.isGlobalCatalogReady) return null;
  const catalog = { ...address, port: address.protection === 'tls' ? 3269 : 3268 };
  try {
    const opened = await connect(catalog);
    return { link: opened, address: catalog, base: '', reach, leave: opened.close };
  } catch {
    // What cannot be reached leaves the domain, and the survey says so.
    return null;
  }
}

async function domainSource({ link, address, rootDse, timeoutMs }: SurveyContext): Promise<Source> {
  const base = rootDse.defaultNamingContext;
  const labels = parseDn(base).flatMap(({ type, value }) => (type === 'dc' ? [value] : []));
  const isWholeForest = (await domainsInForest(searchThrough(link, address, timeoutMs), rootDse)) === 1;
  const reach = { kind: 'domain', dnsName: labels.join('.'), isWholeForest } as const;
  return { link, address, base, reach, leave: async () => {} };
}

async function* surroundingsOf(source: Source, part: Part, timeoutMs: number): AsyncGenerator<Surrounding> {
  try {
    yield* computersIn(source, timeoutMs);
    yield { kind: 'computers-end' };
    if (part === 'computers-and-digests') yield* digestsIn(source, timeoutMs);
  } finally {
    await source.leave();
  }
}

async function* computersIn({ link, address, base }: Source, timeoutMs: number): AsyncGenerator<Surrounding> {
  const options = {
    filter: new EqualityFilter({ attribute: 'objectClass', value: 'computer' }),
    attributes: [...COMPUTER_ATTRIBUTES, 'objectClass'],
    explicitBufferAttributes: [],
    page: COMPUTERS_PAGE,
    timeoutMs,
  };
  for await (const entry of entriesBelow(link, address, base, options)) {
    if (objectKindOf(valuesOf(entry, 'objectClass').map(String)) !== 'computer') continue;
    const computer = computerOf((name) => textOf(entry, name));
    yield computer === null ? { kind: 'unread' } : { kind: 'computer', computer };
  }
}

async function* digestsIn({ link, address, base }: Source, timeoutMs: number): AsyncGenerator<Surrounding> {
  const search = searchThrough(link, address, timeoutMs);
  const options = {
    filter: new PresenceFilter({ attribute: DIGESTS }),
    attributes: [DIGESTS],
    explicitBufferAttributes: [DIGESTS, FIRST_RANGE],
    page: DIGESTS_PAGE,
    timeoutMs,
  };
  for await (const entry of entriesBelow(link, address, base, options)) {
    const surprising = Object.keys(entry).some((name) => name !== 'dn' && name !== DIGESTS);
    const digests = surprising
      ? ((await readPair(search, entry.dn))?.digests ?? [])
      : valuesOf(entry, DIGESTS).filter((value) => Buffer.isBuffer(value));
    if (digests.length > 0) yield { kind: 'digests', digests };
  }
}
