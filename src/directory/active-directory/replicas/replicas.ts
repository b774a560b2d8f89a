import { MsmqCertError } from '../../../errors.ts';
import type { User } from '../../directory.ts';
import type { Replica, ReplicaReading, Stamps } from '../../replicas.ts';
import type { LdapAddress } from '../address.ts';
import { valuesOf } from '../read/pages.ts';
import type { RootDse } from '../read/root-dse.ts';
import { readPair, type Search } from '../read/search.ts';
import { entryBase } from '../write/swap.ts';
import { type DomainController, listDomainControllers } from './domain-controllers.ts';
import { STAMPS_AS_BYTES, STAMPS_AS_TEXT, stampsFromBytes, stampsFromText } from './replication-metadata.ts';

/** A connection to some server, for searching only. */
export interface Searching {
  search: Search;
  close(): Promise<void>;
}

export interface ReplicasContext {
  search: Search;
  rootDse: RootDse;
  protection: LdapAddress['protection'];
  /** Connects to another server with the same credentials and trust. */
  connect(host: string, port: number): Promise<Searching>;
}

const PORTS = {
  tls: { 'domain-controller': 636, 'global-catalog': 3269 },
  starttls: { 'domain-controller': 389, 'global-catalog': 3268 },
};

/** Every server with a copy of the users: the one that is connected already first, the others by name. */
export async function replicasOf({ search, rootDse, protection, connect }: ReplicasContext): Promise<Replica[]> {
  const own = rootDse.dnsHostName?.toLowerCase() ?? null;
  const servers = await listDomainControllers(search, rootDse);
  const others = servers.filter(({ host }) => host === null || host !== own);
  const here: Replica = { server: own ?? '', read: (user) => readReplica(search, user), close: async () => {} };
  return [
    ...(own === null ? [] : [here]),
    ...others
      .toSorted((left, right) => nameOf(left).localeCompare(nameOf(right)))
      .map((each) => elsewhere(nameOf(each), () => connect(hostOf(each), PORTS[protection][each.role]))),
  ];
}

function nameOf({ host, name }: DomainController): string {
  return host ?? name;
}

function hostOf({ host, name }: DomainController): string {
  if (host !== null) return host;
  throw new MsmqCertError('directory-unreachable', `the configuration gives no DNS name for the server ${name}`, {
    hint: 'remove the server object in Active Directory Sites and Services if that domain controller is gone',
  });
}

/** Connects on first use, and again after a failed attempt. */
function elsewhere(server: string, open: () => Promise<Searching>): Replica {
  let current: Promise<Searching> | null = null;

  async function connection(): Promise<Searching> {
    current ??= open();
    const attempt = current;
    return await attempt.catch((error) => {
      if (current === attempt) current = null;
      throw error;
    });
  }

  return {
    server,
    read: async (user) => await readReplica((await connection()).search, user),
    close: async () => await (await current?.catch(() => null))?.close(),
  };
}

async function readReplica(search: Search, user: User): Promise<ReplicaReading | null> {
  const base = entryBase(user);
  const stamps = await readStamps(search, base);
  const pair = await readPair(search, base);
  return pair === null ? null : { pair, stamps };
}

async function readStamps(search: Search, base: string): Promise<Stamps | null> {
  const [entry] = await search(base, {
    scope: 'base',
    attributes: [STAMPS_AS_TEXT, STAMPS_AS_BYTES],
    explicitBufferAttributes: [STAMPS_AS_BYTES],
  });
  if (entry === undefined) return null;
  const texts = valuesOf(entry, STAMPS_AS_TEXT).filter((value) => typeof value === 'string');
  if (texts.length > 0) return stampsFromText(texts);
  const [bytes] = valuesOf(entry, STAMPS_AS_BYTES);
  return Buffer.isBuffer(bytes) ? stampsFromBytes(bytes) : null;
}
