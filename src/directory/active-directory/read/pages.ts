import type { Client, Entry, Filter } from 'ldapts';
import type { LdapAddress } from '../address.ts';
import type { Link } from '../connect/connection.ts';
import { operationFailed } from '../errors.ts';
import { skipTextOfBinaryAttributes } from './raw-attribute.ts';

export interface PageOptions {
  filter: Filter;
  attributes: string[];
  explicitBufferAttributes: string[];
  /** Entries in one answer. */
  page: number;
  /** For each answer. */
  timeoutMs: number;
}

/**
 * Every entry below a base, in pages; while one page is gone through, the next is on its way. A page only means
 * something on the connection it was asked for, so a lost connection ends the listing.
 * @throws MsmqCertError for whatever the directory refuses, and when the connection is lost
 */
export async function* entriesBelow(
  link: Link,
  address: LdapAddress,
  base: string,
  options: PageOptions,
): AsyncGenerator<Entry> {
  skipTextOfBinaryAttributes();
  const { client } = await link.connection();
  const pages = pagesOf(client, base, options);
  try {
    let next = pages.next();
    for (;;) {
      const page = await next;
      if (page.done) return;
      next = pages.next();
      // Its failure is seen when it is awaited, after this page.
      next.catch(() => {});
      yield* page.value.searchEntries;
    }
  } catch (error) {
    throw operationFailed(address, error);
  }
}

function pagesOf(client: Client, base: string, { page, timeoutMs, ...options }: PageOptions) {
  return client.searchPaginated(base, {
    ...options,
    scope: 'sub',
    paged: { pageSize: page },
    timeLimit: Math.ceil(timeoutMs / 1000),
  });
}

/** The values of an attribute: ldapts gives one value bare and none as an empty list. */
export function valuesOf(entry: Entry, name: string): (Buffer | string)[] {
  const value: Buffer | Buffer[] | string | string[] | undefined = entry[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
