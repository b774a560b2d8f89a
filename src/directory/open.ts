import { MsmqCertError } from '../errors.ts';
import type { AccessOptions } from './active-directory/active-directory.ts';
import { parseLdapUrl } from './active-directory/address.ts';
import type { Credentials } from './active-directory/connect/connection.ts';
import type { Trust } from './active-directory/connect/tls.ts';
import { addressLookup, connectHost } from './active-directory/domain/connect-server.ts';
import { parseDomainUrl } from './active-directory/domain/discovery.ts';
import { dnsThrough, systemDnsServers } from './active-directory/domain/dns-query.ts';
import { connectDomain } from './active-directory/domain/domain.ts';
import type { Directory, Listing } from './directory.ts';
import { openLdifFile } from './ldif/ldif-file.ts';
import type { Replicated } from './replicas.ts';

/** Who binds to a server, and how its certificate is verified. */
export interface ServerAccess {
  credentials: Credentials;
  /** Authorities in PEM form besides the system's, or one pinned certificate; the system's alone when left out. */
  trust?: Trust;
  /** How long to wait for one answer, in milliseconds; 30,000 when left out. */
  timeoutMs?: number;
}

/** An open directory, which journals name so that `msmq-cert undo` finds it again. */
export type OpenDirectory = Directory &
  Listing &
  Replicated & {
    /** As it was opened. */
    readonly url: string;
    /** Who bound by a password or as one Kerberos principal, null for others. */
    readonly bind: string | null;
  };

const TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a directory: `ldif:<file>`, `ldaps://<server>`, `ldap://<server>` (StartTLS before any bind) or `ad://<domain>`,
 * whose domain controllers are found by DNS and whose PDC emulator is written to. Close it in the end.
 * @param access needed for all but files
 * @throws MsmqCertError usage, credentials-missing, file-unreadable, invalid-ldif, directory-unreachable,
 * directory-timeout, tls-untrusted, bind-refused
 */
export async function openDirectory(url: string, access?: ServerAccess): Promise<OpenDirectory> {
  return Object.assign(await open(url, access), { url, bind: access === undefined ? null : nameOf(access) });
}

function nameOf({ credentials }: ServerAccess): string | null {
  switch (credentials.kind) {
    case 'simple':
      return credentials.name;
    case 'kerberos':
      return credentials.principal;
    case 'external':
      return null;
  }
}

async function open(url: string, access: ServerAccess | undefined): Promise<Directory & Listing & Replicated> {
  if (url.startsWith('ldif:')) return await openLdifFile(url.slice('ldif:'.length), {});
  if (!/^(ldaps?|ad):/i.test(url)) {
    throw new MsmqCertError('usage', `the directory ${url} is of no known kind`, {
      hint: 'it starts with ad://, ldaps://, ldap:// or ldif:',
    });
  }
  if (access === undefined) {
    throw new MsmqCertError('credentials-missing', `nobody is named to bind to ${url}`, {
      hint: 'give credentials as the second argument of openDirectory',
    });
  }
  const options = optionsFor(access);
  if (!/^ad:/i.test(url)) return await connectHost(parseLdapUrl(url), null, options);
  const dns = dnsThrough(systemDnsServers());
  const domain = { dnsDomain: parseDomainUrl(url), site: null, from: 'pdc-emulator' as const, onNotice: () => {} };
  return await connectDomain({ ...options, ...domain, dns, lookup: null });
}

function optionsFor({ credentials, trust, timeoutMs = TIMEOUT_MS }: ServerAccess): AccessOptions {
  return {
    credentials,
    trust: trust ?? { kind: 'authorities', pem: null },
    addressOf: addressLookup(null),
    baseDn: null,
    domain: null,
    connectTimeoutMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
    operationTimeoutMs: timeoutMs,
  };
}
