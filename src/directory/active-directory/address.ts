import { isIP } from 'node:net';
import { MsmqCertError } from '../../errors.ts';

/** Where a directory server listens, and how the connection to it gets its protection. */
export interface LdapAddress {
  /** As the caller wrote it: the name or IP address that the server's certificate must carry. */
  host: string;
  port: number;
  protection: 'tls' | 'starttls';
  /** The IP address to connect to, null to resolve `host`. */
  dial: string | null;
}

const DEFAULT_PORTS = { tls: 636, starttls: 389 };
const GLOBAL_CATALOG_PORTS = [3268, 3269];

/**
 * Reads `ldaps://host[:port]` or `ldap://host[:port]`; the latter means StartTLS before anything else is sent.
 * @throws MsmqCertError invalid-config when it is anything else
 */
export function parseLdapUrl(text: string): LdapAddress {
  // what stands before an @ is a password more often than not, so such a text is never repeated
  const shown = text.includes('@') ? 'the directory address' : `"${text}"`;
  const url = URL.canParse(text) ? new URL(text) : null;
  const protection = url?.protocol === 'ldaps:' ? 'tls' : url?.protocol === 'ldap:' ? 'starttls' : null;
  const plain =
    url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '' && url.pathname.length < 2;
  if (url === null || protection === null || !plain || url.hostname === '' || url.port === '0') {
    throw new MsmqCertError('invalid-config', `${shown} is not an LDAP address`, {
      hint: 'write it as ldaps://host[:port], or ldap://host[:port] for StartTLS, with nothing else in it',
    });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port === '' ? DEFAULT_PORTS[protection] : Number(url.port), protection, dial: null };
}

/** `host:port`, for messages. */
export function hostAndPort({ host, port }: LdapAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

export function isGlobalCatalog({ port }: LdapAddress): boolean {
  return GLOBAL_CATALOG_PORTS.includes(port);
}
