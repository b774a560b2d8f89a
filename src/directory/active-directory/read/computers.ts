import { AndFilter, EqualityFilter, OrFilter } from 'ldapts';
import type { Computer, Listing } from '../../directory.ts';
import { COMPUTER_ATTRIBUTES, computerOf, objectKindOf } from '../../object-kinds.ts';
import type { Catalog } from './catalog.ts';
import { valuesOf } from './pages.ts';
import { type Search, searchThrough } from './search.ts';
import { textOf } from './users.ts';

/** Three indexed attributes each; a filter of this many is far below what a server takes. */
const NAMES_AT_ONCE = 40;

const isComputer = new EqualityFilter({ attribute: 'objectClass', value: 'computer' });

/** Finds computer accounts by name in the whole forest, or as much of it as can be reached. */
export function computerFinder(catalog: Catalog, timeoutMs: number): Listing['computersNamed'] {
  let areReadable: boolean | null = null;

  return async (names) => {
    const { link, address, base } = await catalog.source();
    const search = searchThrough(link, address, timeoutMs);
    const found = new Map<string, Computer>();
    for (let start = 0; start < names.length; start += NAMES_AT_ONCE) {
      const filter = new AndFilter({ filters: [isComputer, anyOf(names.slice(start, start + NAMES_AT_ONCE))] });
      for (const [dn, computer] of await computersMatching(search, base, filter)) found.set(dn, computer);
    }
    if (found.size > 0) areReadable = true;
    areReadable ??= await isAnyReadable(search, base);
    return { computers: [...found.values()], areReadable };
  };
}

function anyOf(names: readonly string[]): OrFilter {
  const equal = (attribute: string, value: string) => new EqualityFilter({ attribute, value });
  return new OrFilter({
    filters: names.flatMap((name) => [
      equal('sAMAccountName', `${name}$`),
      equal('cn', name),
      equal('dNSHostName', name),
    ]),
  });
}

async function computersMatching(search: Search, base: string, filter: AndFilter): Promise<[string, Computer][]> {
  const entries = await search(base, {
    scope: 'sub',
    filter,
    attributes: [...COMPUTER_ATTRIBUTES, 'objectClass'],
    explicitBufferAttributes: [],
  });
  return entries.flatMap((entry): [string, Computer][] => {
    if (objectKindOf(valuesOf(entry, 'objectClass').map(String)) !== 'computer') return [];
    const computer = computerOf((name) => textOf(entry, name));
    return computer === null ? [] : [[entry.dn, computer]];
  });
}

/** A domain has computer accounts for its controllers at least: who sees none may not read them. */
async function isAnyReadable(search: Search, base: string): Promise<boolean> {
  const controllers = new AndFilter({
    filters: [isComputer, new EqualityFilter({ attribute: 'primaryGroupID', value: '516' })],
  });
  return (await computersMatching(search, base, controllers)).length > 0;
}
