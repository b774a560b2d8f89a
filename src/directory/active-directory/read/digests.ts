import { EqualityFilter, OrFilter } from 'ldapts';
import { asBuffer } from '../../../blob/digest.ts';
import type { Listing, User } from '../../directory.ts';
import { fallbackDomain, isWithin, parseDn } from '../../names.ts';
import type { Catalog } from './catalog.ts';
import { netbiosName } from './root-dse.ts';
import { DIGESTS, searchThrough } from './search.ts';
import type { SurveyContext } from './survey.ts';
import { ATTRIBUTES, BINARY, type Domain, userOf } from './users.ts';

/** The index on mSMQDigests answers each of them; a filter of this many is far below what a server takes. */
const DIGESTS_AT_ONCE = 100;

function anyOf(digests: readonly Uint8Array[]): OrFilter {
  return new OrFilter({
    filters: digests.map((digest) => new EqualityFilter({ attribute: DIGESTS, value: asBuffer(digest) })),
  });
}

/**
 * Finds the objects with a digest as receivers do: in the whole forest when the server is a global catalog that can be
 * reached, in its domain otherwise (specification §5).
 */
export function digestFinder(context: SurveyContext, catalog: Catalog, domain: Domain): Listing['findByDigest'] {
  const { link, address, rootDse, timeoutMs } = context;
  const ownSearch = searchThrough(link, address, timeoutMs);

  async function domainOf(dn: string): Promise<Domain> {
    if (isWithin(dn, rootDse.defaultNamingContext)) return domain;
    const labels = parseDn(dn).flatMap(({ type, value }) => (type === 'dc' ? [value] : []));
    const defaultNamingContext = labels.map((label) => `DC=${label}`).join(',');
    const netbios = await netbiosName(ownSearch, { ...rootDse, defaultNamingContext });
    return { base: defaultNamingContext, netbios: netbios ?? fallbackDomain(dn), dns: labels.join('.') };
  }

  return async (digests) => {
    const { link: there, address: at, base, reach } = await catalog.source();
    const search = searchThrough(there, at, timeoutMs);
    const users = new Map<string, User>();
    for (let start = 0; start < digests.length; start += DIGESTS_AT_ONCE) {
      const entries = await search(base, {
        scope: 'sub',
        filter: anyOf(digests.slice(start, start + DIGESTS_AT_ONCE)),
        attributes: ATTRIBUTES,
        explicitBufferAttributes: BINARY,
      });
      for (const entry of entries) users.set(entry.dn, userOf(entry, await domainOf(entry.dn)));
    }
    return { reach, users: [...users.values()] };
  };
}
