import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import { type AccessOptions, type ActiveDirectory, connectTo } from '../active-directory.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import { openSecureSocket } from '../connect/tls.ts';
import { type Finding, failure, ok, type Report, warning } from './checks.ts';

/** A server that may be asked. */
export interface Candidate {
  host: string;
  /** Where it may listen, each with an IP address, in the order to try. */
  addresses(): Promise<LdapAddress[]>;
}

/** What the checks are about. */
export interface CheckTarget {
  access: AccessOptions;
  /** Finds the servers, in the order to try. `found` says how, null when the caller named the server. */
  servers(): Promise<{ found: string | null; candidates: Candidate[] }>;
}

/** Goes the way of every connection, one step after the other, and ends with the first that fails. */
export async function checkConnection(target: CheckTarget, report: Report): Promise<ActiveDirectory | null> {
  const candidates = await findCandidates(target, report);
  for (const candidate of candidates) {
    const tell = candidate === candidates.at(-1) ? report : softened(report);
    const addresses = await resolve(candidate, tell);
    const address = addresses === null ? null : await checkProtection(addresses, target.access, tell);
    if (address === 'untrusted') return null;
    if (address !== null) return await bind(address, target.access, report);
  }
  return null;
}

/** A server that does not answer is no failure as long as there is another. */
function softened(report: Report): Report {
  return (check) => {
    const isSilent = check.status === 'failed' && check.name !== 'tls';
    report(isSilent ? { ...check, status: 'warning' } : check);
  };
}

async function findCandidates(target: CheckTarget, report: Report): Promise<Candidate[]> {
  try {
    const { found, candidates } = await target.servers();
    if (found !== null) report({ name: 'discovery', ...ok(found) });
    return candidates;
  } catch (error) {
    report({ name: 'discovery', ...failure(error) });
    return [];
  }
}

async function resolve({ host, addresses }: Candidate, report: Report): Promise<LdapAddress[] | null> {
  try {
    const found = await addresses();
    const ips = [...new Set(found.map(({ dial }) => dial ?? host))];
    const message =
      ips[0] === host ? `${host} is an address: there is no name to resolve` : `${host} is ${ips.join(', ')}`;
    report({ name: 'name-resolution', ...ok(message) });
    return found;
  } catch (error) {
    report({ name: 'name-resolution', ...failure(error) });
    return null;
  }
}

/** The first address at which somebody proves to be the server; null when nobody answers at any. */
async function checkProtection(
  addresses: readonly LdapAddress[],
  access: AccessOptions,
  report: Report,
): Promise<LdapAddress | 'untrusted' | null> {
  const silent: MsmqCertError[] = [];
  for (const address of addresses) {
    try {
      const certificate = await certificateAt(address, access);
      report({ name: 'connection', ...ok(`${hostAndPort(address)} answers`) });
      report({ name: 'tls', ...judge(certificate, address, access) });
      return address;
    } catch (thrown) {
      const error = toMsmqCertError(thrown);
      if (error.code === 'tls-untrusted') {
        report({ name: 'connection', ...ok(`${hostAndPort(address)} answers`) });
        report({ name: 'tls', ...failure(error) });
        return 'untrusted';
      }
      silent.push(error);
    }
  }
  report({ name: 'connection', ...failure(silent[0]) });
  return null;
}

async function certificateAt(address: LdapAddress, access: AccessOptions): Promise<ServerCertificate | null> {
  const { credentials, trust, connectTimeoutMs } = access;
  const identity = credentials.kind === 'external' ? credentials : null;
  const socket = await openSecureSocket(address, trust, connectTimeoutMs, identity);
  socket.on('error', () => {});
  try {
    return serverCertificate(socket);
  } finally {
    socket.destroy();
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;
const ENDING_WITHIN_DAYS = 14;

function judge(certificate: ServerCertificate | null, address: LdapAddress, { trust }: AccessOptions): Finding {
  const at = hostAndPort(address);
  if (certificate === null) return warning(`${at} showed no certificate`, 'give the domain controller one');
  const { protocol, subject, issuer, endsFirst } = certificate;
  const days = Math.floor((endsFirst.at.getTime() - Date.now()) / DAY_MS);
  const until = endsFirst.at.toISOString().slice(0, 10);
  const how = trust.kind === 'fingerprint' ? 'is the pinned one' : 'leads to a trusted authority';
  if (days < ENDING_WITHIN_DAYS) {
    return warning(
      `the certificate ${endsFirst.subject} of ${at} ${days < 0 ? 'ended' : 'ends'} on ${until}`,
      'renew it on the domain controller before connections fail',
    );
  }
  return ok(`${protocol}; the certificate ${subject} by ${issuer} ${how}, the chain is valid until ${until}`);
}

async function bind(address: LdapAddress, access: AccessOptions, report: Report): Promise<ActiveDirectory | null> {
  try {
    const directory = await connectTo(address, access);
    report({ name: 'bind', ...ok(`${hostAndPort(address)} accepts ${nameOf(access)}`) });
    return directory;
  } catch (thrown) {
    const error = toMsmqCertError(thrown);
    // refused after the bind: what answers is no domain controller, or has no such base
    const isBound = error.code === 'directory-error' || error.code === 'invalid-config';
    report({ name: isBound ? 'server' : 'bind', ...failure(error) });
    return null;
  }
}

function nameOf({ credentials }: AccessOptions): string {
  switch (credentials.kind) {
    case 'simple':
      return `"${credentials.name}"`;
    case 'kerberos':
      return credentials.principal === null ? 'the Kerberos ticket' : `the Kerberos ticket of ${credentials.principal}`;
    case 'external':
      return 'the client certificate';
  }
}

/** What a server showed in the TLS handshake. */
interface ServerCertificate {
  /** TLSv1.3 */
  protocol: string;
  subject: string;
  issuer: string;
  /** The certificate of the chain that ends first, the server's own or one of its authorities. */
  endsFirst: { subject: string; at: Date };
}

/** Reads the server's certificate and the chain above it from an established connection. */
function serverCertificate(socket: TLSSocket): ServerCertificate | null {
  const own = socket.getPeerX509Certificate();
  if (own === undefined) return null;
  const first = chainOf(own).reduce((earliest, each) => (each.validToDate < earliest.validToDate ? each : earliest));
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    subject: oneLine(own.subject),
    issuer: oneLine(own.issuer),
    endsFirst: { subject: oneLine(first.subject), at: first.validToDate },
  };
}

function chainOf(certificate: X509Certificate): X509Certificate[] {
  const { issuerCertificate: above } = certificate;
  // a root is its own issuer
  const isLast = above === undefined || above.fingerprint256 === certificate.fingerprint256;
  return isLast ? [certificate] : [certificate, ...chainOf(above)];
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}
