import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AccessOptions, ActiveDirectory } from '../../directory/active-directory/active-directory.ts';
import { type LdapAddress, parseLdapUrl } from '../../directory/active-directory/address.ts';
import type { Candidate, CheckTarget } from '../../directory/active-directory/check/connection.ts';
import {
  connectToFirst,
  dialled,
  isUnreachable,
  targetAddresses,
} from '../../directory/active-directory/domain/connect-server.ts';
import { discoverDomain, parseDomainUrl } from '../../directory/active-directory/domain/discovery.ts';
import { dialFailed } from '../../directory/active-directory/errors.ts';
import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import type { DirectorySettings } from '../settings.ts';
import { nameServices } from './access.ts';

type Servers = Awaited<ReturnType<CheckTarget['servers']>>;

/**
 * The value of --directory when it leads to a server and not to a file.
 * @throws MsmqCertError usage
 */
export function requireServer({ directory }: DirectorySettings): string {
  if (directory !== undefined && /^(ad|ldaps?):/i.test(directory)) return directory;
  const problem = directory === undefined ? 'no directory is named' : `${directory} is no server that one binds to`;
  throw new MsmqCertError('usage', problem, {
    hint: 'give --directory ad://corp.example or ldaps://dc1.corp.example, or set MSMQ_CERT_DIRECTORY',
  });
}

/**
 * Finds the domain controllers that --directory stands for, the PDC emulator first.
 * @throws MsmqCertError usage, invalid-config, directory-unreachable, tls-untrusted
 */
export async function findServers(settings: DirectorySettings): Promise<Servers> {
  const url = requireServer(settings);
  const { dns, lookup } = nameServices(settings);
  if (!/^ad:/i.test(url)) {
    const address = parseLdapUrl(url);
    return { found: null, candidates: [candidate(address.host, () => dialled(address, lookup))] };
  }
  const domain = parseDomainUrl(url);
  const { pdcEmulator, near, all } = await discoverDomain(dns, domain, settings.site ?? null);
  const targets = new Map([pdcEmulator ?? [], near, all].flat().map((target) => [target.host, target]));
  const pdc = pdcEmulator === null ? 'none of them as PDC emulator' : `${pdcEmulator.host} as PDC emulator`;
  return {
    found: `DNS names ${targets.size} domain controller${targets.size === 1 ? '' : 's'} of ${domain}, ${pdc}`,
    candidates: [...targets.values()].map((each) => candidate(each.host, () => targetAddresses(each, lookup))),
  };
}

function candidate(host: string, find: () => Promise<LdapAddress[]>): Candidate {
  return { host, addresses: async () => (await Promise.all((await find()).map(withDial))).flat() };
}

/** The address once for each IP address that the operating system finds for it. */
async function withDial(address: LdapAddress): Promise<LdapAddress[]> {
  if (address.dial !== null || isIP(address.host) !== 0) return [address];
  try {
    const found = await systemLookup(address.host, { all: true });
    return found.map(({ address: dial }) => ({ ...address, dial }));
  } catch (error) {
    throw dialFailed(address, error);
  }
}

/**
 * Connects to the first of these servers that answers.
 * @throws MsmqCertError as findServers and connectTo do
 */
export async function connectToAny(settings: DirectorySettings, access: AccessOptions): Promise<ActiveDirectory> {
  const failures: MsmqCertError[] = [];
  for (const { addresses } of (await findServers(settings)).candidates) {
    try {
      return await connectToFirst(await addresses(), access);
    } catch (thrown) {
      const error = toMsmqCertError(thrown);
      if (!isUnreachable(error)) throw error;
      failures.push(error);
    }
  }
  throw failures[0];
}
