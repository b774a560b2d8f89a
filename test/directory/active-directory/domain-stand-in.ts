import { setImmediate } from 'node:timers/promises';
import { applyChange } from '../../../src/blob/edit.ts';
import { type Change, type Pair, pairKey } from '../../../src/blob/pair.ts';
import type { ActiveDirectory } from '../../../src/directory/active-directory/active-directory.ts';
import { type Server, serverAt } from '../../../src/directory/active-directory/domain/server-roster.ts';
import type { User } from '../../../src/directory/directory.ts';
import { MsmqCertError } from '../../../src/errors.ts';

export const NOTHING: Pair = { blob: null, digests: [] };

/** A domain controller in memory. */
export interface StandInServer extends Server {
  /** What it has of each user, by distinguished name. */
  users: Map<string, Pair>;
  /** Whether it answers. */
  up: boolean;
  /** `read alice` and so on, for what reached it. */
  seen: string[];
  /** The next swap is carried out, but its answer is lost and the server is down. */
  dieDuringSwap: boolean;
  isReadOnly: boolean;
}

export function standInServer(host: string): StandInServer {
  const state = {
    users: new Map<string, Pair>(),
    up: true,
    seen: [] as string[],
    dieDuringSwap: false,
    isReadOnly: false,
  };
  const server: StandInServer = Object.assign(
    state,
    serverAt(host, async () => directoryOf(host, server)),
  );
  return server;
}

function directoryOf(host: string, server: StandInServer): ActiveDirectory {
  const requireUp = async () => {
    await setImmediate();
    if (!server.up) throw new MsmqCertError('directory-unreachable', `${host} refused the connection`);
  };
  const reach = async (what: string) => {
    await requireUp();
    server.seen.push(what);
  };
  const pairOf = ({ dn }: User) => server.users.get(dn) ?? NOTHING;
  const nothing = async () => {
    throw new Error('not part of this test');
  };

  async function swap(user: User, before: Pair, change: Change) {
    await reach(`swap ${user.dn}`);
    if (pairKey(before) !== pairKey(pairOf(user))) return { kind: 'conflict' } as const;
    server.users.set(user.dn, applyChange(before, change));
    if (server.dieDuringSwap) {
      server.up = false;
      throw new MsmqCertError('directory-unreachable', 'the outcome is unknown');
    }
    return { kind: 'swapped' } as const;
  }

  return {
    server: `ldaps://${host}:636`,
    get rootDse() {
      return { ...ROOT, dnsHostName: host, isReadOnly: server.isReadOnly };
    },
    search: async () => [],
    ready: requireUp,
    whoAmI: async () => null,
    mayWrite: nothing,
    provenance: nothing,
    replicas: nothing,
    users: () => ({ [Symbol.asyncIterator]: () => ({ next: nothing }) }),
    survey: nothing,
    computersNamed: nothing,
    findByDigest: nothing,
    findUser: async (name) => {
      await reach(`find ${name}`);
      return person(name);
    },
    read: async (user) => {
      await reach(`read ${user.dn}`);
      return pairOf(user);
    },
    swap,
    close: async () => {},
  };
}

const ROOT = {
  defaultNamingContext: 'DC=corp,DC=example',
  configurationNamingContext: 'CN=Configuration,DC=corp,DC=example',
  rootDomainNamingContext: 'DC=corp,DC=example',
  serverName: null,
  isSynchronized: true,
  isGlobalCatalogReady: true,
};

export function person(name: string): User {
  return { account: `CORP\\${name}`, dn: name, sid: null, guid: null, protected: false };
}
