import type { Control, Entry, SearchOptions } from 'ldapts';
import type { Pair } from '../../../blob/pair.ts';
import { MsmqCertError } from '../../../errors.ts';
import type { LdapAddress } from '../address.ts';
import { type Link, readThrough } from '../connect/connection.ts';
import { Result, resultCode } from '../errors.ts';

export const BLOB = 'mSMQSignCertificates';
export const DIGESTS = 'mSMQDigests';

/** A search as ldapts has it, except that a base which is not there has no entries. Connects again when it must. */
export interface Search {
  (base: string, options: SearchOptions, control?: Control): Promise<Entry[]>;
  /** How long all requests for one entry may take together; without it each has its own limit only. */
  readonly timeoutMs?: number;
}

// a base in another domain is answered with a referral: for this server it is not there either
const NOT_HERE: readonly (number | null)[] = [Result.noSuchObject, Result.invalidDnSyntax, Result.referral];

export function searchThrough(link: Link, address: LdapAddress, timeoutMs: number): Search {
  const timeLimit = Math.ceil(timeoutMs / 1000);
  const search = (base: string, options: SearchOptions, control?: Control) =>
    readThrough(link, address, async (client) => {
      try {
        return (await client.search(base, { timeLimit, ...options }, control)).searchEntries;
      } catch (error) {
        if (NOT_HERE.includes(resultCode(error))) return [];
        throw error;
      }
    });
  return Object.assign(search, { timeoutMs });
}

/** One time for the names that only the server knew, and some for a user that is changed meanwhile. */
const MOST_ASKED = 5;
/** Far more than an object of Active Directory can have (specification §6). */
const MOST_VALUES = 100_000;
const MOST_RANGES = 1000;

/** The values of one entry as bytes, by the attribute names that the server used. */
export type ByteValues = Map<string, Buffer[]>;

/**
 * Reads attributes of one entry, every value as bytes; null when there is no such entry. ldapts turns whatever happens
 * to be valid UTF-8 into text unless it was told the exact name, letter case and range included: a name that only the
 * server knew is asked for once more.
 */
export async function readBytes(
  search: Search,
  base: string,
  attributes: string[],
  names: string[] = attributes,
  asked = 1,
): Promise<ByteValues | null> {
  const [entry] = await search(base, { scope: 'base', attributes, explicitBufferAttributes: names });
  if (entry === undefined) return null;
  const { dn: _, ...values } = entry;
  const surprises = Object.keys(values).filter((name) => !names.includes(name));
  if (surprises.length > 0 && asked >= MOST_ASKED) throw everNewNames(surprises);
  if (surprises.length > 0) return readBytes(search, base, attributes, [...names, ...surprises], asked + 1);
  return new Map(Object.entries(values).map(([name, value]) => [name, buffersOf(value)]));
}

function buffersOf(value: Buffer | Buffer[] | string[] | string): Buffer[] {
  return [value].flat().filter((one) => Buffer.isBuffer(one));
}

/** Reads both attributes of the entry at `base`, all values however many (specification §6); null when it is gone. */
export async function readPair(search: Search, base: string): Promise<Pair | null> {
  const expected = [BLOB, DIGESTS, `${DIGESTS};range=0-1499`];
  const first = await readBytes(search, base, [BLOB, DIGESTS], expected);
  if (first === null) return null;
  const digests = await everyValue(search, base, DIGESTS, first);
  return digests === null ? null : { blob: valuesOf(first, BLOB)[0] ?? null, digests };
}

interface Page {
  values: Buffer[];
  /** Index of the first value of the next page, null when this is the last. */
  next: number | null;
}

/**
 * Active Directory hands out 1,500 values at a time: as `name;range=0-1499`, next to an empty `name`, and the last of
 * them as `name;range=1500-*` (specification §6).
 */
async function everyValue(search: Search, base: string, name: string, first: ByteValues): Promise<Buffer[] | null> {
  const start = performance.now();
  let page = pageAt(first, name, 0);
  const values = [...page.values];
  for (let ranges = 1; page.next !== null; ranges++) {
    if (ranges >= MOST_RANGES || values.length >= MOST_VALUES) throw endless(name, values.length);
    if (performance.now() - start > (search.timeoutMs ?? Number.POSITIVE_INFINITY)) throw tooSlow(name, values.length);
    const from = page.next;
    const wanted = `${name};range=${from}-*`;
    const full = `${name};range=${from}-${from + page.values.length - 1}`;
    const answer = await readBytes(search, base, [wanted], [wanted, full]);
    if (answer === null) return null;
    page = pageAt(answer, name, from);
    for (const value of page.values) values.push(value);
  }
  return values;
}

function pageAt(answer: ByteValues, name: string, start: number): Page {
  const range = new RegExp(`^${name};range=${start}-(\\d+|\\*)$`, 'i');
  for (const [key, values] of answer) {
    const end = range.exec(key)?.[1];
    // ldapts lists what was asked for, empty, next to what the server called it
    if (end === undefined || values.length === 0) continue;
    if (end !== '*' && Number(end) !== start + values.length - 1) throw brokenRange(key, values.length);
    return { values, next: end === '*' ? null : Number(end) + 1 };
  }
  return { values: start === 0 ? valuesOf(answer, name) : [], next: null };
}

function valuesOf(answer: ByteValues, name: string): Buffer[] {
  const entry = [...answer].find(([key, values]) => key.toLowerCase() === name.toLowerCase() && values.length > 0);
  return entry?.[1] ?? [];
}

const ASK_ANOTHER = 'ask another domain controller, and look at what stands between it and this machine';

function everNewNames([name = '']: readonly string[]): MsmqCertError {
  const message = `the directory names other attributes each time, such as ${JSON.stringify(name.slice(0, 80))}`;
  return new MsmqCertError('directory-error', message, { hint: ASK_ANOTHER });
}

function endless(name: string, count: number): MsmqCertError {
  const message = `the directory sent ${count} values of ${name} in pieces and has more`;
  return new MsmqCertError('directory-error', message, { hint: ASK_ANOTHER });
}

function tooSlow(name: string, count: number): MsmqCertError {
  const message = `the directory sent ${count} values of ${name} and did not come to the end in time`;
  return new MsmqCertError('directory-timeout', message, { hint: 'try again with a longer --timeout' });
}

function brokenRange(name: string, count: number): MsmqCertError {
  return new MsmqCertError('directory-error', `the directory sent ${count} values as ${name}`, {
    hint: 'somebody may have changed the user at that moment: try again',
  });
}
