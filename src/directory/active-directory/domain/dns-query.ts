import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { type Answer, type DecodedPacket, decode, encode, RECURSION_DESIRED, streamEncode } from 'dns-packet';
import { MsmqCertError } from '../../../errors.ts';

export interface DnsServer {
  /** An IP address. */
  ip: string;
  port: number;
}

export type DnsType = 'SRV' | 'A' | 'AAAA';

/**
 * Asks for the records of a name. A name that does not exist has none.
 * @throws MsmqCertError directory-unreachable when no server gives an answer
 */
export type Dns = (name: string, type: DnsType) => Promise<Answer[]>;

const DNS_PORT = 53;
/** How long one server has for one answer. UDP loses packets, so every server is asked twice. */
const TIMEOUT_MS = 2500;
const ROUNDS = 2;

/**
 * A resolver over these servers. The one of Node refuses the SRV answers of Samba, which compresses names that
 * RFC 2782 wants spelt out.
 */
export function dnsThrough(servers: readonly DnsServer[], timeoutMs: number = TIMEOUT_MS): Dns {
  return async (name, type) => {
    let reason: unknown;
    for (const server of Array.from({ length: ROUNDS }, () => servers).flat()) {
      try {
        const answer = await ask(server, name, type, timeoutMs);
        if (isAnswer(answer)) return (answer.answers ?? []).filter((record) => record.type === type);
        reason = new Error(`${server.ip} answered with code ${rcode(answer)}`);
      } catch (error) {
        reason = error;
      }
    }
    throw unanswered(servers, name, reason);
  };
}

/**
 * Reads `ip` or `ip:port` (an IPv6 address with a port goes in brackets).
 * @throws MsmqCertError invalid-config
 */
export function parseDnsServer(text: string): DnsServer {
  if (isIP(text) !== 0) return { ip: text, port: DNS_PORT };
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const ip = bracketed ?? plain ?? '';
  const port = digits === undefined ? DNS_PORT : Number(digits);
  if (isIP(ip) !== 0 && port > 0 && port < 65_536) return { ip, port };
  throw new MsmqCertError('invalid-config', `"${text}" is not the address of a DNS server`, {
    hint: 'give its IP address, with :port behind it when it is not 53',
  });
}

/** The DNS servers that this machine is configured with. */
export function systemDnsServers(): DnsServer[] {
  return getServers().map(parseDnsServer);
}

async function ask(server: DnsServer, name: string, type: DnsType, timeoutMs: number): Promise<DecodedPacket> {
  const signal = AbortSignal.timeout(timeoutMs);
  const query: Query = { type: 'query', id: randomInt(65_536), flags: RECURSION_DESIRED, questions: [{ name, type }] };
  const answer = await askByUdp(server, query, signal);
  return answer.flag_tc ? await askByTcp(server, query, signal) : answer;
}

export interface Query {
  type: 'query';
  id: number;
  flags: number;
  questions: [{ name: string; type: DnsType }];
}

async function askByUdp(server: DnsServer, query: Query, signal: AbortSignal): Promise<DecodedPacket> {
  const socket = createSocket(isIP(server.ip) === 6 ? 'udp6' : 'udp4');
  try {
    // a connected socket hears nobody but this server
    socket.connect(server.port, server.ip);
    await once(socket, 'connect', { signal });
    socket.send(encode(query));
    for (;;) {
      const [message] = await once(socket, 'message', { signal });
      const answer = answerTo(query, message);
      if (answer !== null) return answer;
    }
  } finally {
    socket.close();
  }
}

/** Over TCP each message comes behind its length in two bytes (RFC 1035 §4.2.2). */
async function askByTcp(server: DnsServer, query: Query, signal: AbortSignal): Promise<DecodedPacket> {
  const socket = connect({ host: server.ip, port: server.port, signal });
  try {
    await once(socket, 'connect', { signal });
    socket.write(streamEncode(query));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE()) continue;
      const answer = answerTo(query, received.subarray(2, 2 + received.readUInt16BE()));
      if (answer !== null) return answer;
      break;
    }
    throw new Error(`${server.ip} sent no answer over TCP`);
  } finally {
    socket.destroy();
  }
}

/** The message when it is the answer to this query: whoever guesses our port does not know the number and the name. */
export function answerTo(query: Query, message: Buffer): DecodedPacket | null {
  const packet = decoded(message);
  if (packet === null || !packet.flag_qr || packet.id !== query.id) return null;
  const [asked] = query.questions;
  const [question] = packet.questions ?? [];
  const same = question?.type === asked.type && question.name.toLowerCase() === asked.name.toLowerCase();
  return same ? packet : null;
}

function decoded(message: Buffer): DecodedPacket | null {
  try {
    return decode(message);
  } catch {
    return null;
  }
}

const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

function isAnswer(packet: DecodedPacket): boolean {
  return rcode(packet) === NO_ERROR || rcode(packet) === NO_SUCH_NAME;
}

function rcode({ flags = 0 }: DecodedPacket): number {
  return flags & 0xf;
}

function unanswered(servers: readonly DnsServer[], name: string, cause: unknown): MsmqCertError {
  const asked = servers.map(({ ip }) => ip).join(', ');
  return new MsmqCertError('directory-unreachable', `no DNS server answered for ${name} (asked: ${asked || 'none'})`, {
    hint: 'check the network, or name a DNS server of the domain with --dns-server',
    cause,
  });
}
