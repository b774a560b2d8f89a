import type { Pair } from '../../blob/pair.ts';
import { MsmqCertError } from '../../errors.ts';
import type { Directory, Listing, Provenance, User } from '../directory.ts';
import { fallbackDomain, parseDn, userNotFound } from '../names.ts';
import type { Replicated } from '../replicas.ts';
import { hostAndPort, type LdapAddress, parseLdapUrl } from './address.ts';
import { type Access, type Credentials, keepConnected, openConnection, readThrough } from './connect/connection.ts';
import { whoAmI } from './connect/external.ts';
import type { Trust } from './connect/tls.ts';
import { catalogOf } from './read/catalog.ts';
import { computerFinder } from './read/computers.ts';
import { digestFinder } from './read/digests.ts';
import { listUsers } from './read/listing.ts';
import { netbiosName, type RootDse, readRootDse, writableServer } from './read/root-dse.ts';
import { readPair, type Search, searchThrough } from './read/search.ts';
import { surveyForest } from './read/survey.ts';
import { type Domain, findUser, findUsers } from './read/users.ts';
import { replicasOf } from './replicas/replicas.ts';
import { notWritable, writableAttributes } from './rights/write-rights.ts';
import { entryBase, swapPair } from './write/swap.ts';

/** Everything that it takes to connect, except where to. */
export interface AccessOptions {
  credentials: Credentials;
  trust: Trust;
  /** Where to look for users, null for the directory's default naming context. */
  baseDn: string | null;
  /** NetBIOS name of the domain, null to ask the directory. */
  domain: string | null;
  /** For the name lookup, TCP, StartTLS and TLS together, in milliseconds. */
  connectTimeoutMs: number;
  /** For each request, in milliseconds. */
  operationTimeoutMs: number;
  /** The IP address of another server of the domain, null to let the system find it. */
  addressOf?: (host: string) => Promise<string | null>;
}

export interface ConnectionOptions extends AccessOptions {
  /** ldaps://host[:port], or ldap://host[:port] for StartTLS before the bind. */
  url: string;
}

export type ActiveDirectory = Directory &
  Listing &
  Replicated & {
    readonly rootDse: RootDse;
    readonly search: Search;
    mayWrite(user: User): Promise<boolean>;
    /** Resolves when there is a live connection, a new one if the last was lost. Nothing else is sent. */
    ready(): Promise<void>;
    /** Who this connection is to the directory: `u:CORP\\alice` (RFC 4532); null when the server does not say. */
    whoAmI(): Promise<string | null>;
    provenance(): Promise<Provenance>;
  };

/**
 * Connects to the domain controller at a URL and stays with it.
 * @throws MsmqCertError as connectTo does
 */
export async function connectActiveDirectory(options: ConnectionOptions): Promise<ActiveDirectory> {
  return await connectTo(parseLdapUrl(options.url), options);
}

/**
 * Connects to one domain controller and stays with it: after a loss it connects to the same IP address again, as two
 * domain controllers written at once can end with a torn pair (specification §7).
 * @throws MsmqCertError invalid-config, credentials-missing, directory-unreachable, directory-timeout, tls-untrusted,
 * bind-refused, directory-error
 */
export async function connectTo(address: LdapAddress, options: AccessOptions): Promise<ActiveDirectory> {
  const access: Access = { ...options, address };
  const first = await openConnection(access);
  const same = { ...access, address: { ...address, dial: first.socket.remoteAddress ?? null } };
  const link = keepConnected(first, () => openConnection(same));
  const connect = async (elsewhere: LdapAddress) => {
    const there = { ...same, address: { ...elsewhere, dial: same.address.dial } };
    return keepConnected(await openConnection(there), () => openConnection(there));
  };
  const connectByName = async (host: string, port: number) => {
    const dial = (await options.addressOf?.(host)) ?? null;
    return await connectTo({ host, port, protection: address.protection, dial }, { ...options, baseDn: null });
  };
  const timeoutMs = options.operationTimeoutMs;
  try {
    const search = searchThrough(link, address, timeoutMs);
    const rootDse = await readRootDse(search, address);
    const domain = await domainOf(search, address, rootDse, options);
    const read = (user: User) => readUser(search, user);
    const context = { link, address, reread: read, writableServer: () => writableServer(search, rootDse) };
    const survey = { link, address, rootDse, timeoutMs, connect };
    const catalog = catalogOf(survey);
    return {
      server: serverUrl(address),
      rootDse,
      search,
      ready: async () => void (await link.connection()),
      whoAmI: () => readThrough(link, address, whoAmI),
      replicas: () => replicasOf({ search, rootDse, protection: address.protection, connect: connectByName }),
      findUser: (name) => findUser(search, domain, name),
      findUsers: (names) => findUsers(search, domain, names),
      read,
      mayWrite: async (user) => notWritable(await writableAttributes(search, entryBase(user))).length === 0,
      swap: (user, before, change) => swapPair(context, user, before, change),
      users: (scope) => listUsers({ link, address, search, domain, timeoutMs }, scope),
      survey: (part) => surveyForest(survey, part),
      computersNamed: computerFinder(catalog, timeoutMs),
      findByDigest: digestFinder(survey, catalog, domain),
      provenance: async () => {
        const authorization = await readThrough(link, address, whoAmI);
        return { baseDn: domain.base, account: authorization?.replace(/^(u|dn):/, '') || null };
      },
      close: async () => {
        await catalog.close();
        await link.close();
      },
    };
  } catch (error) {
    await link.close();
    throw error;
  }
}

async function readUser(search: Search, user: User): Promise<Pair> {
  const pair = await readPair(search, entryBase(user));
  if (pair === null) throw userNotFound(user.account);
  return pair;
}

async function domainOf(
  search: Search,
  address: LdapAddress,
  rootDse: RootDse,
  { baseDn, domain }: Pick<AccessOptions, 'baseDn' | 'domain'>,
): Promise<Domain> {
  const own = rootDse.defaultNamingContext;
  if (baseDn !== null) await requireBase(search, address, baseDn, own);
  const netbios = domain ?? (await netbiosName(search, rootDse)) ?? fallbackDomain(own);
  const dns = parseDn(own).flatMap(({ type, value }) => (type === 'dc' ? [value] : []));
  return { base: baseDn ?? own, netbios, dns: dns.join('.') };
}

async function requireBase(search: Search, address: LdapAddress, baseDn: string, own: string): Promise<void> {
  const found = await search(baseDn, { scope: 'base', attributes: ['1.1'] });
  if (found.length > 0) return;
  throw new MsmqCertError('invalid-config', `there is no base DN "${baseDn}" on ${hostAndPort(address)}`, {
    hint: `leave --base-dn away for ${own}, or name something below it`,
  });
}

function serverUrl(address: LdapAddress): string {
  return `${address.protection === 'tls' ? 'ldaps' : 'ldap'}://${hostAndPort(address)}`;
}
