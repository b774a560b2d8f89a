import { X509Certificate } from 'node:crypto';
import { on, once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { ExtendedRequest, MessageParser, type MessageResponse } from 'ldapts';
import { MsmqCertError, systemCode } from '../../../errors.ts';
import type { LdapAddress } from '../address.ts';
import {
  closedTooEarly,
  connectTimedOut,
  diagnostic,
  dialFailed,
  notLdap,
  operationFailed,
  startTlsRefused,
} from '../errors.ts';
import { shapeOf } from './message-shape.ts';
import { BadMessage, MOST_BEFORE_BIND, messageGatherer, TooMuch } from './messages.ts';
import { fingerprintMismatch, handshakeFailed } from './tls-errors.ts';

/**
 * What makes a server's certificate good: a chain to an authority (those of the system and of Node, and the ones in
 * `pem`) together with the name and the dates, or the SHA-256 of the certificate itself, which stands for all of these.
 */
export type Trust = { kind: 'authorities'; pem: string | null } | { kind: 'fingerprint'; sha256: string };

/** What proves this end of the connection to the server: a certificate and its key, both PEM. */
export interface ClientIdentity {
  certificate: string;
  key: string;
}

const START_TLS = '1.3.6.1.4.1.1466.20037';
const FINGERPRINT = /^[\da-f]{64}$/;
const CERTIFICATE_PEM = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/**
 * Opens a connection that is encrypted and whose other end is proven before this returns. `timeoutMs` covers all of
 * it: name lookup, TCP, StartTLS and the TLS handshake.
 * @throws MsmqCertError invalid-config, directory-unreachable, directory-timeout, tls-untrusted
 */
export async function openSecureSocket(
  address: LdapAddress,
  trust: Trust,
  timeoutMs: number,
  identity: ClientIdentity | null = null,
): Promise<tls.TLSSocket> {
  const signal = AbortSignal.timeout(timeoutMs);
  const open = (among: Among) => openAmong(among, address, trust, identity, signal);
  if (trust.kind === 'fingerprint' || trust.pem === null) return await open('all');
  try {
    return await open('given');
  } catch (error) {
    if (!isAboutChain(error)) throw error;
    return await open('all');
  }
}

/** More authorities may lead to another answer: nothing else is a reason to come again. */
function isAboutChain(error: unknown): boolean {
  const verdict = error instanceof MsmqCertError ? systemCode(error.cause) : undefined;
  return verdict !== undefined && /^(CERT_|DEPTH_|INVALID_CA|PATH_LENGTH|SELF_SIGNED|UNABLE_TO)/.test(verdict);
}

/**
 * Which authorities can vouch for the server: those in `pem` alone, or all of them. Reading the hundreds of the system
 * takes longer than the rest of connecting, and whoever names one mostly needs no other.
 */
type Among = 'given' | 'all';

async function openAmong(
  among: Among,
  address: LdapAddress,
  trust: Trust,
  identity: ClientIdentity | null,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const trusted = tlsOptions(among, address, trust, identity);
  const plain = connect({ host: address.dial ?? address.host, port: address.port, noDelay: true, keepAlive: true });
  // an error that arrives while nobody waits for one would end the process
  plain.on('error', () => {});
  try {
    await dialled(plain, address, signal);
    if (address.protection === 'starttls') await startTls(plain, address, signal);
    const secure = await handshake(plain, address, trusted, signal);
    if (trust.kind === 'fingerprint') requirePinned(secure, address, trust.sha256);
    return secure;
  } catch (error) {
    plain.destroy();
    throw signal.aborted ? connectTimedOut(address, error) : error;
  }
}

async function dialled(socket: Socket, address: LdapAddress, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, 'connect', { signal });
  } catch (error) {
    throw dialFailed(address, error);
  }
}

/** Asks for TLS on a plain LDAP connection (RFC 4511 §4.14). Whatever else the server says in the clear is dropped. */
async function startTls(socket: Socket, address: LdapAddress, signal: AbortSignal): Promise<void> {
  socket.write(new ExtendedRequest({ messageId: 1, oid: START_TLS }).write());
  const answer = await firstAnswer(socket, address, signal).catch((error) => {
    throw handshakeFailed(address, error);
  });
  if (answer.status !== 0) throw startTlsRefused(address, diagnostic(answer.errorMessage));
}

async function firstAnswer(socket: Socket, address: LdapAddress, signal: AbortSignal): Promise<MessageResponse> {
  const gather = messageGatherer(() => MOST_BEFORE_BIND);
  try {
    for await (const [bytes] of on(socket, 'data', { signal, close: ['end', 'close'] })) {
      for (const message of gather(bytes)) return answerIn(message, address);
    }
  } catch (error) {
    if (error instanceof TooMuch) throw operationFailed(address, error);
    throw error instanceof BadMessage ? notLdap(address, error) : error;
  }
  throw closedTooEarly(address, undefined);
}

function answerIn(message: Buffer, address: LdapAddress): MessageResponse {
  shapeOf(message);
  const answers: MessageResponse[] = [];
  const parser = new MessageParser();
  parser.on('message', (answer) => answers.push(answer));
  parser.on('error', (error) => {
    throw notLdap(address, error);
  });
  parser.read(message, new Map());
  const [answer] = answers;
  if (answer === undefined) throw notLdap(address, undefined);
  return answer;
}

async function handshake(
  socket: Socket,
  address: LdapAddress,
  options: tls.ConnectionOptions,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const secure = tls.connect({ ...options, socket });
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    secure.destroy();
    throw handshakeFailed(address, error);
  }
}

function tlsOptions(
  among: Among,
  address: LdapAddress,
  trust: Trust,
  identity: ClientIdentity | null,
): tls.ConnectionOptions {
  // an IP address must not be sent as the server name (RFC 6066 §3)
  const servername = isIP(address.host) === 0 ? address.host : undefined;
  switch (trust.kind) {
    case 'authorities':
      return {
        servername,
        secureContext: contextFor(among, trust.pem, identity),
        rejectUnauthorized: true,
        checkServerIdentity: (_, certificate) => tls.checkServerIdentity(address.host, certificate),
      };
    case 'fingerprint':
      if (!FINGERPRINT.test(bareHex(trust.sha256))) throw notAFingerprint(trust.sha256);
      return { servername, rejectUnauthorized: false, ...ownProof(identity) };
  }
}

function ownProof(identity: ClientIdentity | null): tls.SecureContextOptions {
  return identity === null ? {} : { cert: identity.certificate, key: identity.key };
}

/** The last contexts without a key of its own. */
const known = new Map<Among, { pem: string | null; context: tls.SecureContext }>();

function contextFor(among: Among, pem: string | null, identity: ClientIdentity | null): tls.SecureContext {
  if (identity !== null) return tls.createSecureContext({ ca: authorities(among, pem), ...ownProof(identity) });
  const last = known.get(among);
  if (last?.pem === pem) return last.context;
  const context = tls.createSecureContext({ ca: authorities(among, pem) });
  known.set(among, { pem, context });
  return context;
}

function authorities(among: Among, pem: string | null): string[] {
  const given = pem === null ? [] : certificatesIn(pem);
  return among === 'given' ? given : [...new Set([...usualAuthorities(), ...given])];
}

function usualAuthorities(): readonly string[] {
  // Node 23 before 23.10 cannot list the system's
  if (!tls.getCACertificates) return tls.rootCertificates;
  return [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
}

function certificatesIn(pem: string): string[] {
  const blocks = pem.match(CERTIFICATE_PEM) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch (error) {
    throw unusableAuthorities(error);
  }
  if (blocks.length === 0) throw unusableAuthorities(undefined);
  return blocks;
}

function unusableAuthorities(cause: unknown): MsmqCertError {
  return new MsmqCertError('invalid-config', 'the authorities to trust hold no readable certificate in PEM form', {
    hint: 'give a file with blocks between BEGIN CERTIFICATE and END CERTIFICATE',
    cause,
  });
}

function notAFingerprint(text: string): MsmqCertError {
  return new MsmqCertError('invalid-config', `"${text}" is not a SHA-256 fingerprint`, {
    hint: 'write its 64 hexadecimal digits, with or without colons',
  });
}

function requirePinned(socket: tls.TLSSocket, address: LdapAddress, sha256: string): void {
  const actual = socket.getPeerX509Certificate()?.fingerprint256 ?? 'of no certificate';
  if (bareHex(actual) === bareHex(sha256)) return;
  socket.destroy();
  throw fingerprintMismatch(address, actual);
}

function bareHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').trim().toLowerCase();
}
