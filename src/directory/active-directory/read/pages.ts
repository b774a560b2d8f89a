import type { Client, Entry, Filter } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import type { Link } from '../connect/connection.ts';
import { PageControl } from '../connect/page-control.ts';
import { operationFailed } from '../errors.ts';

export interface PageOptions {
  filter: Filter;
  attributes: string[];
  explicitBufferAttributes: string[];
  /** Entries in one answer. */
  page: number;
  /** For each answer. */
  timeoutMs: number;
}

/** A server that found nothing for as long as it may look sends an empty page: with a rare filter, several in a row. */
const MOST_EMPTY_PAGES = 50;

/**
 * Every entry below a base, in pages; while one page is gone through, the next is on its way. A page only means
 * something on the connection it was asked for, so a lost connection ends the listing. However long it takes, each page
 * has its time limit and must bring something new.
 * @throws MsmqCertError for whatever the directory refuses, and when the connection is lost
 */
export async function* entriesBelow(
  link: Link,
  address: LdapAddress,
  base: string,
  options: PageOptions,
): AsyncGenerator<Entry> {
  const { client } = await link.connection();
  const progress = watchProgress(address);
  try {
    let next: Promise<Page> | null = pageAfter(client, base, options, null);
    while (next !== null) {
      const page: Page = await next;
      progress.note(page);
      next = page.next === null ? null : pageAfter(client, base, options, page.next);
      // Its failure is seen when it is awaited, after this page.
      next?.catch(() => {});
      yield* page.entries;
    }
  } catch (error) {
    throw operationFailed(address, error);
  }
}

interface Page {
  entries: Entry[];
  /** What to ask for the next page with, null when this is the last. */
  next: Buffer | null;
}

async function pageAfter(
  client: Client,
  base: string,
  { page, timeoutMs, ...options }: PageOptions,
  cookie: Buffer | null,
): Promise<Page> {
  const control = new PageControl(page, cookie);
  const timeLimit = Math.ceil(timeoutMs / 1000);
  const { searchEntries } = await client.search(base, { ...options, scope: 'sub', timeLimit }, control);
  return { entries: searchEntries, next: control.next === null || control.next.length === 0 ? null : control.next };
}

function watchProgress(address: LdapAddress) {
  let empty = 0;
  let first: string | null = null;
  return {
    note({ entries, next }: Page): void {
      empty = entries.length === 0 ? empty + 1 : 0;
      if (next !== null && empty >= MOST_EMPTY_PAGES) throw stuck(address, `${empty} empty pages in a row`);
      const repeated = entries[0] !== undefined && entries[0].dn === first;
      if (repeated) throw stuck(address, `the page that begins with ${first} twice`);
      first = entries[0]?.dn ?? first;
    },
  };
}

function stuck(address: LdapAddress, sent: string): MsmqCertError {
  return new MsmqCertError('directory-error', `${hostAndPort(address)} sent ${sent}: the listing comes to no end`, {
    hint: 'narrow it with --base-dn or --filter, or ask another domain controller',
  });
}

/** The values of an attribute: ldapts gives one value bare and none as an empty list. */
export function valuesOf(entry: Entry, name: string): (Buffer | string)[] {
  const value: Buffer | Buffer[] | string | string[] | undefined = entry[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
