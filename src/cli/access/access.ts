import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AccessOptions } from '../../directory/active-directory/active-directory.ts';
import type { Credentials } from '../../directory/active-directory/connect/connection.ts';
import type { Trust } from '../../directory/active-directory/connect/tls.ts';
import { addressLookup, type HostLookup } from '../../directory/active-directory/domain/connect-server.ts';
import {
  type Dns,
  dnsThrough,
  parseDnsServer,
  systemDnsServers,
} from '../../directory/active-directory/domain/dns-query.ts';
import { MsmqCertError } from '../../errors.ts';
import { readInput } from '../input.ts';
import type { DirectorySettings } from '../settings.ts';
import { readPassword } from './credentials.ts';

/**
 * Everything that the options say about connecting to a server, except which one.
 * @param passwordFor where the password of a simple bind comes from
 * @throws MsmqCertError usage, invalid-config, credentials-missing, file-unreadable
 */
export async function accessOptions(
  settings: DirectorySettings,
  passwordFor: PasswordSource = readPassword,
): Promise<AccessOptions> {
  return {
    trust: await readTrust(settings),
    credentials: await readCredentials(settings, passwordFor),
    addressOf: addressLookup(nameServices(settings).lookup),
    baseDn: settings.baseDn ?? null,
    domain: settings.domain ?? null,
    connectTimeoutMs: Math.min(settings.timeout, 10_000),
    operationTimeoutMs: settings.timeout,
  };
}

export type PasswordSource = (settings: DirectorySettings, bind: string) => Promise<string>;

/** `dns` finds domain controllers; `lookup` finds the address of a server. Both ask --dns-server when it is given. */
export function nameServices({ dnsServer }: DirectorySettings): { dns: Dns; lookup: HostLookup } {
  if (dnsServer === undefined) return { dns: dnsThrough(systemDnsServers()), lookup: null };
  const dns = dnsThrough(dnsServer.map(parseDnsServer));
  return { dns, lookup: dns };
}

async function readCredentials(settings: DirectorySettings, passwordFor: PasswordSource): Promise<Credentials> {
  const { auth, bind, clientCert, clientKey } = settings;
  if (auth !== 'external' && (clientCert ?? clientKey) !== undefined) {
    throw new MsmqCertError('usage', 'a client certificate is given, but not asked to bind with it', {
      hint: 'add --auth external, or leave --client-cert and --client-key away',
    });
  }
  switch (auth) {
    case 'simple':
      if (bind === undefined) throw nobodyBinds(settings.directory ?? 'the directory');
      return { kind: 'simple', name: bind, password: await passwordFor(settings, bind) };
    case 'kerberos':
      return { kind: 'kerberos', principal: bind === undefined ? null : principalOf(bind) };
    case 'external':
      return await readClientCertificate(clientCert, clientKey);
  }
}

function nobodyBinds(directory: string): MsmqCertError {
  return new MsmqCertError('credentials-missing', `nobody is named to bind to ${directory}`, {
    hint: 'give --bind with a DN, UPN or DOMAIN\\user, or set MSMQ_CERT_BIND; --auth kerberos binds with the ticket of this session',
  });
}

/** alice@CORP.EXAMPLE; the realms of Active Directory are in capitals. */
function principalOf(bind: string): string {
  const [, name, realm] = /^([^@\\=]+)@([^@\\=]+)$/.exec(bind) ?? [];
  if (name !== undefined && realm !== undefined) return `${name}@${realm.toUpperCase()}`;
  throw new MsmqCertError('usage', `"${bind}" is no Kerberos principal`, {
    hint: 'with --auth kerberos, give --bind as alice@CORP.EXAMPLE, or leave it away to use the ticket there is',
  });
}

async function readClientCertificate(certFile?: string, keyFile?: string): Promise<Credentials> {
  if (certFile === undefined || keyFile === undefined) {
    throw new MsmqCertError('usage', '--auth external needs a client certificate and its key', {
      hint: 'give both --client-cert and --client-key, each a PEM file',
    });
  }
  const certificate = (await readInput(certFile)).toString('utf8');
  const key = (await readInput(keyFile)).toString('utf8');
  const parsed = parse(() => new X509Certificate(certificate), `the file ${certFile} holds no certificate in PEM form`);
  const privateKey = parse(() => createPrivateKey(key), `the file ${keyFile} holds no usable private key in PEM form`);
  if (parsed.checkPrivateKey(privateKey)) return { kind: 'external', certificate, key };
  throw new MsmqCertError('invalid-config', `the key in ${keyFile} does not belong to the certificate in ${certFile}`, {
    hint: 'give the key that the certificate was made with',
  });
}

function parse<T>(read: () => T, problem: string): T {
  try {
    return read();
  } catch {
    // without the cause: what OpenSSL says about a key is nobody's business
    throw new MsmqCertError('invalid-config', problem, {
      hint: 'openssl pkcs12 -in client.pfx -nodes writes both in PEM form, the key without a passphrase',
    });
  }
}

async function readTrust({ caFile, tlsFingerprint }: DirectorySettings): Promise<Trust> {
  if (caFile !== undefined && tlsFingerprint !== undefined) {
    throw new MsmqCertError('usage', '--ca-file and --tls-fingerprint are both given', { hint: 'give one of them' });
  }
  if (tlsFingerprint === undefined) {
    const pem = caFile === undefined ? null : (await readInput(caFile)).toString('utf8');
    if (pem !== null && !pem.includes('-----BEGIN CERTIFICATE-----')) {
      throw new MsmqCertError('invalid-config', `the file ${caFile} holds no PEM certificate`, {
        hint: 'give the authority in PEM form; openssl x509 -inform der -in ca.cer -out ca.pem converts it',
      });
    }
    return { kind: 'authorities', pem };
  }
  const sha256 = tlsFingerprint.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new MsmqCertError('usage', `the TLS fingerprint ${tlsFingerprint} is no SHA-256`, {
      hint: 'give 64 hexadecimal digits, with or without colons',
    });
  }
  return { kind: 'fingerprint', sha256 };
}
