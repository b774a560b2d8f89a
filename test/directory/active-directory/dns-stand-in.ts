import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Answer, type DecodedPacket, decode, encode, streamEncode, TRUNCATED_RESPONSE } from 'dns-packet';
import type { DnsServer } from '../../../src/directory/active-directory/domain/dns-query.ts';

/** Records by `name TYPE`, in the order in which they are answered. What is not there does not exist. */
export type Zone = Record<string, Answer[]>;

export interface DnsStandIn {
  server: DnsServer;
  /** `udp name TYPE` for each question, in order. */
  asked: string[];
  close(): Promise<void>;
}

export interface Behaviour {
  /** How many of the questions over UDP get no answer, from the first on. */
  losing?: number;
  /** Answers over UDP say no more than that there is more over TCP. */
  truncating?: boolean;
  /** What each answer is before it goes out; null to send nothing. */
  twist?: (answer: Buffer, query: DecodedPacket) => Buffer[];
  /** Response code for every question. */
  rcode?: number;
}

const NO_SUCH_NAME = 3;

/** A DNS server on loopback, over UDP and TCP on the same port. */
export async function dnsStandIn(zone: Zone, behaviour: Behaviour = {}): Promise<DnsStandIn> {
  const { losing = 0, truncating = false, twist = (answer) => [answer] } = behaviour;
  const asked: string[] = [];
  let lost = 0;

  const answersTo = (query: DecodedPacket, over: 'udp' | 'tcp') => {
    const [question] = query.questions ?? [];
    const key = `${question?.name.toLowerCase()} ${question?.type}`;
    asked.push(`${over} ${key}`);
    const answers = zone[key];
    const code = behaviour.rcode ?? (answers === undefined ? NO_SUCH_NAME : 0);
    const short = truncating && over === 'udp';
    const flags = code | (short ? TRUNCATED_RESPONSE : 0);
    return {
      type: 'response',
      id: query.id,
      flags,
      questions: query.questions,
      answers: short ? [] : answers,
    } as const;
  };

  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    const query = decode(message);
    const answer = answersTo(query, 'udp');
    if (lost++ < losing) return;
    for (const each of twist(encode(answer), query)) udp.send(each, from.port, from.address);
  });
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const whole = streamEncode(answersTo(decode(bytes.subarray(2)), 'tcp'));
      // in two pieces, as TCP may deliver it
      socket.write(whole.subarray(0, 5), () => socket.write(whole.subarray(5)));
    });
  });
  // TCP chooses: a port that is free for UDP is often that of some connection.
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const address = tcp.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { port } = address;
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');

  return { server: { ip: '127.0.0.1', port }, asked, close: () => closeBoth(udp, tcp) };
}

async function closeBoth(udp: Socket, tcp: ReturnType<typeof createServer>): Promise<void> {
  udp.close();
  tcp.close();
  await once(tcp, 'close');
}

/** An SRV record of a domain controller. */
export function srv(name: string, target: string, priority = 0, weight = 100, port = 389): Answer {
  return { type: 'SRV', name, data: { target, priority, weight, port } };
}

export function a(name: string, ip: string): Answer {
  return { type: 'A', name, data: ip };
}
