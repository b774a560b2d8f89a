import { isIP } from 'node:net';
import { type MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import { type AccessOptions, type ActiveDirectory, connectTo } from '../active-directory.ts';
import type { LdapAddress } from '../address.ts';
import { dialFailed } from '../errors.ts';
import type { SrvTarget } from './discovery.ts';
import type { Dns } from './dns-query.ts';

/** How the names of servers become IP addresses: by these DNS servers, or null for the way of the operating system. */
export type HostLookup = Dns | null;

const LDAPS_PORT = 636;
/** The global catalog with TLS stands one port above the one that its SRV record names. */
const GC_PORTS = { startTls: 3268, tls: 3269 };

/**
 * Connects to a server that DNS named: with TLS, on a port that no SRV record tells of, and where nothing answers there
 * with StartTLS on the port that the record names. Never without either.
 * @throws MsmqCertError as connectTo does
 */
export async function connectTarget(
  target: SrvTarget,
  lookup: HostLookup,
  options: AccessOptions,
): Promise<ActiveDirectory> {
  return await connectToFirst(await targetAddresses(target, lookup), options);
}

/** Where a server that DNS named may listen: with TLS first, then with StartTLS. */
export async function targetAddresses(target: SrvTarget, lookup: HostLookup): Promise<LdapAddress[]> {
  const tlsPort = target.port === GC_PORTS.startTls ? GC_PORTS.tls : LDAPS_PORT;
  const tls: LdapAddress = { host: target.host, port: tlsPort, protection: 'tls', dial: null };
  const startTls: LdapAddress = { ...tls, port: target.port, protection: 'starttls' };
  return [...(await dialled(tls, lookup)), ...(await dialled(startTls, lookup))];
}

/**
 * Connects to one server at whichever of its IP addresses answers.
 * @throws MsmqCertError as connectTo does
 */
export async function connectHost(
  address: LdapAddress,
  lookup: HostLookup,
  options: AccessOptions,
): Promise<ActiveDirectory> {
  return await connectToFirst(await dialled(address, lookup), options);
}

/** Whether another server, or the same one later, may do better. */
export function isUnreachable({ code }: MsmqCertError): boolean {
  return code === 'directory-unreachable' || code === 'directory-timeout';
}

/**
 * Connects at the first of these addresses where something answers.
 * @throws MsmqCertError as connectTo does
 */
export async function connectToFirst(
  addresses: readonly LdapAddress[],
  options: AccessOptions,
): Promise<ActiveDirectory> {
  const failures: MsmqCertError[] = [];
  for (const address of addresses) {
    try {
      return await connectTo(address, options);
    } catch (thrown) {
      const error = toMsmqCertError(thrown);
      if (!isUnreachable(error)) throw error;
      failures.push(error);
    }
  }
  throw failures[0];
}

/** The address with each IP address that its host has; as it is where the operating system looks it up. */
export async function dialled(address: LdapAddress, lookup: HostLookup): Promise<LdapAddress[]> {
  if (lookup === null || isIP(address.host) !== 0) return [address];
  const ips = await ipAddresses(lookup, address.host);
  if (ips.length === 0) throw dialFailed(address, Object.assign(new Error('no address'), { code: 'ENOTFOUND' }));
  return ips.map((dial) => ({ ...address, dial }));
}

async function ipAddresses(lookup: Dns, host: string): Promise<string[]> {
  const answers = await Promise.all([lookup(host, 'A'), lookup(host, 'AAAA')]);
  return answers.flat().flatMap((answer) => (answer.type === 'A' || answer.type === 'AAAA' ? [answer.data] : []));
}

/** The IP address of a host: null where the operating system looks it up, or where it has none. */
export function addressLookup(lookup: HostLookup): (host: string) => Promise<string | null> {
  return async (host) => (lookup === null ? null : ((await ipAddresses(lookup, host))[0] ?? null));
}
