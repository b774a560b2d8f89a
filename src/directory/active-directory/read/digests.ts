import { EqualityFilter, OrFilter } from 'ldapts';
import { asBuffer } from '../../../blob/digest.ts';
import type { Listing, User } from '../../directory.ts';
import { fallbackDomain, isWithin, parseDn } from '../../names.ts';
import { netbiosName } from './root-dse.ts';
import { DIGESTS, searchThrough } from './search.ts';
import { type Source, type SurveyContext, sourceFor } from './survey.ts';
import { ATTRIBUTES, BINARY, type Domain, userOf } from './users.ts';

export interface DigestFinder extends Pick<Listing, 'findByDigest'> {
  close(): Promise<void>;
}

/** The index on mSMQDigests answers each of them; a filter of this many is far below what a server takes. */
const DIGESTS_AT_ONCE = 100;
/** A global catalog that did not answer is asked again after this long, in milliseconds. */
const OPEN_AGAIN_MS = 60_000;

function anyOf(digests: readonly Uint8Array[]): OrFilter {
  return new OrFilter({
    filters: digests.map((digest) => new EqualityFilter({ attribute: DIGESTS, value: asBuffer(digest) })),
  });
}

/**
 * Finds the objects with a digest as receivers do: in the whole forest when the server is a global catalog that can be
 * reached, in its domain otherwise (specification §5). The connection to the global catalog is made once, on first
 * use; one that cannot be made is tried again after a while.
 */
export function digestFinder(context: SurveyContext, domain: Domain, now: () => number = Date.now): DigestFinder {
  const { link, address, rootDse, timeoutMs } = context;
  const ownSearch = searchThrough(link, address, timeoutMs);
  let opened: Promise<Source> | null = null;
  let openAgainAt = Number.POSITIVE_INFINITY;

  /** What failed once may work the next time. */
  async function source(): Promise<Source> {
    if (now() >= openAgainAt) opened = null;
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return await opened;
  }

  async function open(): Promise<Source> {
    openAgainAt = Number.POSITIVE_INFINITY;
    const found = await sourceFor(context);
    const { reach } = found;
    const mayReachMore = rootDse.isGlobalCatalogReady && reach.kind === 'domain' && !reach.isWholeForest;
    if (mayReachMore) openAgainAt = now() + OPEN_AGAIN_MS;
    return found;
  }

  async function domainOf(dn: string): Promise<Domain> {
    if (isWithin(dn, rootDse.defaultNamingContext)) return domain;
    const labels = parseDn(dn).flatMap(({ type, value }) => (type === 'dc' ? [value] : []));
    const defaultNamingContext = labels.map((label) => `DC=${label}`).join(',');
    const netbios = await netbiosName(ownSearch, { ...rootDse, defaultNamingContext });
    return { base: defaultNamingContext, netbios: netbios ?? fallbackDomain(dn), dns: labels.join('.') };
  }

  return {
    async findByDigest(digests) {
      const { link: there, address: at, base, reach } = await source();
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
    },
    async close() {
      const last = await opened?.catch(() => null);
      await last?.leave();
    },
  };
}
