import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { BerReader, BerWriter, PagedResultsControl } from 'ldapts';
import forge from 'node-forge';

/** A private key and its certificate, as PEM. */
export interface Identity {
  key: string;
  cert: string;
}

export interface IdentityOptions {
  /** subjectAltName; null leaves the extension out. */
  names?: ({ type: 2; value: string } | { type: 7; ip: string })[] | null;
  /** Days from today. */
  valid?: { from: number; to: number };
  /** Who signs; without one the certificate signs itself. */
  issuer?: Identity;
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

/** A certificate for a server on loopback; all of them share one key, only the certificates differ. */
export function makeIdentity({
  names = [{ type: 7, ip: '127.0.0.1' }],
  valid = { from: -1, to: 1 },
  issuer,
}: IdentityOptions = {}): Identity {
  const certificate = forge.pki.createCertificate();
  const subject = [{ name: 'commonName', value: issuer === undefined ? 'stand-in' : 'signed stand-in' }];
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = daysFromNow(valid.from);
  certificate.validity.notAfter = daysFromNow(valid.to);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer === undefined ? subject : forge.pki.certificateFromPem(issuer.cert).subject.attributes);
  const alternatives = names === null ? [] : [{ name: 'subjectAltName', altNames: names }];
  certificate.setExtensions([{ name: 'basicConstraints', cA: issuer === undefined }, ...alternatives]);
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}

export interface Listener {
  port: number;
  close(): Promise<void>;
}

/** Listens on loopback and hands every connection to `talk`. */
export async function listen(talk: (socket: Socket) => void): Promise<Listener> {
  return await listening(createServer(), 'connection', talk);
}

async function listening(server: Server, event: string, talk: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on(event, talk);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export const Request = { bind: 0x60, unbind: 0x42, search: 0x63, modify: 0x66, extended: 0x77 } as const;
const answers: Record<number, number> = { 96: 0x61, 99: 0x65, 102: 0x67, 119: 0x78 };

/** What the stand-in saw on one connection, in order. */
export type Seen = number[];

/** How to answer a request: with an LDAP result code, not at all, by closing the connection, or with whatever is sent. */
export type Answer = number | 'silence' | 'close' | ((id: number, socket: Socket, request: Buffer) => void);

export interface StandIn extends Listener {
  /** One list of request tags for each connection. */
  connections: Seen[];
  /** Closes every connection that is open. */
  drop(): void;
}

/** An LDAP server over TLS that answers each request with a bare result. */
export async function ldapStandIn(
  identity: Identity,
  answer: (tag: number, connection: number) => Answer,
): Promise<StandIn> {
  const connections: Seen[] = [];
  const open = new Set<Socket>();
  const server = tls.createServer(identity);
  const listener = await listening(server, 'secureConnection', (socket) => {
    const seen: Seen = [];
    const number = connections.push(seen) - 1;
    open.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      for (const { id, tag, request } of requestsIn(bytes)) {
        seen.push(tag);
        const reply = tag === Request.unbind ? 'close' : answer(tag, number);
        if (typeof reply === 'number') socket.write(result(id, answers[tag] ?? tag, reply));
        if (reply === 'close') socket.destroy();
        if (typeof reply === 'function') reply(id, socket, request);
      }
    });
  });
  const drop = () => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  return { ...listener, connections, drop };
}

/** The requests in a chunk; the ones of these tests are small, so none is split. */
function requestsIn(bytes: Buffer): { id: number; tag: number; request: Buffer }[] {
  const reader = new BerReader(bytes);
  const requests: { id: number; tag: number; request: Buffer }[] = [];
  while (reader.remain > 0) {
    const start = reader.offset;
    reader.readSequence();
    const end = reader.offset + reader.length;
    requests.push({ id: reader.readInt() ?? 0, tag: reader.peek() ?? 0, request: bytes.subarray(start, end) });
    reader.offset = end;
  }
  return requests;
}

/** A SearchResultEntry message (RFC 4511 §4.5.2). */
export function entry(id: number, dn: string, attributes: Record<string, Buffer[]>): Buffer {
  const values = Object.values(attributes).flat();
  const writer = new BerWriter({ size: 4096 + values.reduce((sum, { length }) => sum + length + 16, 0) });
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x64);
  writer.writeString(dn);
  writer.startSequence();
  for (const [type, list] of Object.entries(attributes)) {
    writer.startSequence();
    writer.writeString(type);
    writer.startSequence(0x31);
    for (const value of list) writer.writeBuffer(value, 0x04);
    writer.endSequence();
    writer.endSequence();
  }
  writer.endSequence();
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

/** A SearchResultDone message that says how the next page is asked for (RFC 2696). */
export function pageEnd(id: number, cookie: string): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(0x65);
  writer.writeEnumeration(0);
  writer.writeString('');
  writer.writeString('');
  writer.endSequence();
  writer.startSequence(0xa0);
  new PagedResultsControl({ value: { size: 0, cookie: Buffer.from(cookie) } }).write(writer);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

/** An LDAPResult message (RFC 4511 §4.1.9). */
export function result(id: number, tag: number, code: number, diagnostic = ''): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(diagnostic);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}
