import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { readBytes } from '../../files/replace.ts';
import type { Listed, Listing, Scope, Surrounding, User } from '../directory.ts';
import { computerFinder } from './computers.ts';
import { digestFinder } from './digests.ts';
import { findUser, type IndexOptions } from './index.ts';
import { type LdifRecord, parseRecord } from './ldif.ts';
import { type Block, blocks, notRead } from './lines.ts';
import { readUser, type Snapshots } from './snapshot.ts';
import { completeUser, computerIn, type Domains, digestsIn, domainNames, isLegacy, kindIn, pairIn } from './users.ts';

const NAMES = ['netbiosname', 'ncname'];
const IDENTITY = ['objectclass', 'samaccountname', 'netbiosname'];
const COMPUTERS = new Set([...NAMES, ...IDENTITY, 'cn', 'dnshostname', 'useraccountcontrol', 'lastlogontimestamp']);
const SURVEYED = new Set([...COMPUTERS, 'msmqdigests']);
const LISTED = new Set([
  ...IDENTITY,
  'objectsid',
  'objectguid',
  'admincount',
  'msmqdigests',
  'msmqsigncertificates',
  'msmqdigestsmig',
  'msmqsigncertificatesmig',
]);

/**
 * Goes through an LDIF file without an index of its users, one record at a time. The name of a domain may stand behind
 * its users, so the file is read once for it: by the survey, or else by the listing.
 */
export function listingOf(snapshots: Snapshots, source: string, options: IndexOptions): Listing {
  let known: Domains | null = options.domain === undefined ? null : domainNames(options.domain);

  async function* survey(part: Parameters<Listing['survey']>[0]): AsyncGenerator<Surrounding> {
    const domains = domainNames(options.domain);
    for await (const each of recordsIn(snapshots, source, part === 'computers' ? COMPUTERS : SURVEYED)) {
      if (each.kind === 'broken') yield { kind: 'unread' };
      else {
        domains.note(each.record);
        yield* surroundingsIn(each.record, source);
      }
    }
    known = domains;
  }

  async function domainsOf(): Promise<Domains> {
    if (known !== null) return known;
    const domains = domainNames(options.domain);
    for await (const part of recordsIn(snapshots, source, new Set(NAMES))) {
      if (part.kind === 'record') domains.note(part.record);
    }
    known = domains;
    return domains;
  }

  async function* listAll(
    { filter, include }: Extract<Scope, { kind: 'all' }>,
    baseDn: string | undefined,
  ): AsyncGenerator<Listed> {
    if (filter !== null) throw filterRefused(filter, source);
    const reader = { domains: await domainsOf(), baseDn };
    for await (const part of recordsIn(snapshots, source, LISTED)) {
      const listed = listedOf(part, source, (record) => completeUser(record, source, reader));
      if (listed !== null && (listed.kind === 'unread' || include.has(listed.objectKind))) yield listed;
    }
  }

  async function* listNamed(names: readonly string[]): AsyncGenerator<Listed> {
    for (const name of names) {
      yield await snapshots
        .use(async (snapshot) => {
          const user = findUser(await snapshot.index(), name);
          const { record } = await readUser(snapshot, user, source);
          return readOf(record, user, source);
        })
        .catch((error): Listed => ({ kind: 'unread', name, error: toMsmqCertError(error) }));
    }
  }

  const usersBelow = (baseDn: string | undefined) => (scope: Scope) =>
    scope.kind === 'all' ? listAll(scope, baseDn) : listNamed(scope.names);
  return {
    users: usersBelow(options.baseDn),
    computersNamed: computerFinder(
      () => survey('computers'),
      () => snapshots.use(({ stamp }) => stamp),
    ),
    findByDigest: digestFinder(usersBelow(undefined), () => snapshots.use(({ stamp }) => stamp)),
    survey: async (part) => ({ reach: { kind: 'file' }, surroundings: survey(part) }),
  };
}

/** A record of the file. `broken`: its dn can be read, but not its values. */
type Part = { kind: 'record'; record: LdifRecord } | { kind: 'broken'; dn: string; error: MsmqCertError };

async function* recordsIn(snapshots: Snapshots, source: string, only: ReadonlySet<string>): AsyncGenerator<Part> {
  const { handle, size } = await snapshots.take();
  try {
    for await (const block of blocks(readBytes(handle, { start: 0, end: size }), source)) {
      const part = partOf(block, source, only);
      if (part !== null) yield part;
    }
  } catch (error) {
    throw notRead(source, error);
  } finally {
    await handle.close();
  }
}

/** @throws MsmqCertError invalid-ldif when the block does not even have a dn, so that the file may be no LDIF at all */
function partOf(block: Block, source: string, only: ReadonlySet<string>): Part | null {
  try {
    const record = parseRecord(block, { source, only });
    return record === null ? null : { kind: 'record', record };
  } catch (error) {
    const bare = parseRecord(block, { source, only: new Set() });
    if (bare === null) throw error;
    return { kind: 'broken', dn: bare.dn, error: toMsmqCertError(error) };
  }
}

function* surroundingsIn(record: LdifRecord, source: string): Generator<Surrounding> {
  const computer = computerIn(record);
  if (computer !== null) yield { kind: 'computer', computer };
  const digests = readableDigests(record, source);
  if (digests.length > 0) yield { kind: 'digests', digests };
}

function readableDigests(record: LdifRecord, source: string): Buffer[] {
  try {
    return digestsIn(record, source);
  } catch {
    return [];
  }
}

function listedOf(part: Part, source: string, userOf: (record: LdifRecord) => User | null): Listed | null {
  if (part.kind === 'broken') return { kind: 'unread', name: part.dn, error: part.error };
  const { record } = part;
  try {
    const user = userOf(record);
    return user === null ? null : readOf(record, user, source);
  } catch (error) {
    return { kind: 'unread', name: record.dn, error: toMsmqCertError(error) };
  }
}

function readOf(record: LdifRecord, user: User, source: string): Listed {
  return {
    kind: 'read',
    user,
    objectKind: kindIn(record),
    pair: pairIn(record, source),
    legacy: isLegacy(record),
  };
}

function filterRefused(filter: string, source: string): MsmqCertError {
  return new MsmqCertError('usage', `the filter ${filter} cannot be applied to the file ${source}`, {
    hint: 'use --base-dn or --users-from with an LDIF file, and --filter with a directory server',
  });
}
