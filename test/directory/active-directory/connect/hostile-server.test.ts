import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import {
  type Access,
  type Connection,
  keepConnected,
  openConnection,
} from '../../../../src/directory/active-directory/connect/connection.ts';
import { MOST_BEFORE_BIND } from '../../../../src/directory/active-directory/connect/messages.ts';
import { saslStep } from '../../../../src/directory/active-directory/connect/sasl.ts';
import { openSecureSocket } from '../../../../src/directory/active-directory/connect/tls.ts';
import { operationFailed } from '../../../../src/directory/active-directory/errors.ts';
import { readPair, type Search, searchThrough } from '../../../../src/directory/active-directory/read/search.ts';
import { toMsmqCertError } from '../../../../src/errors.ts';
import { type Answer, entry, type Listener, ldapStandIn, listen, makeIdentity, Request, result } from '../stand-in.ts';

const identity = makeIdentity();
const MIB = 1024 * 1024;
/** What a hostile server would send at most; it is hung up on long before. */
const FLOOD = 2048 * MIB;
/** What a server can have sent when it is hung up on at once: the buffers on both sides of loopback hold some megabytes. */
const AT_ONCE = 32 * MIB;

describe('a hostile server', () => {
  const listeners: Listener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map(({ close }) => close()));
  });

  const isRefused = (said: RegExp) => (thrown: unknown) => {
    const { code, message, hint } = toMsmqCertError(thrown);
    assert.deepEqual([code, said.test(message)], ['directory-error', true], message);
    assert.match(message, /^127\.0\.0\.1:\d+ sent /);
    assert.match(hint ?? '', /no domain controller does that/);
    return true;
  };

  it('gets nowhere with an answer to StartTLS that announces 2 GB', async () => {
    let flood: Promise<number> | undefined;
    const server = await listen((socket) => {
      socket.once('data', () => {
        flood = pour(socket, Buffer.from('30847fffffff', 'hex'), Buffer.alloc(MIB));
      });
    });
    listeners.push(server);
    const address = parseLdapUrl(`ldap://127.0.0.1:${server.port}`);
    const attempt = openSecureSocket(address, { kind: 'authorities', pem: identity.cert }, 60_000);
    await assert.rejects(attempt, isRefused(/a message of 2147483653 bytes/));
    await assertEndedEarly(flood);
  });

  async function accessTo(answer: (tag: number) => Answer): Promise<Access> {
    const server = await ldapStandIn(identity, answer);
    listeners.push(server);
    return {
      address: parseLdapUrl(`ldaps://127.0.0.1:${server.port}`),
      credentials: { kind: 'simple', name: 'CORP\\alice', password: 'geheim' },
      trust: { kind: 'authorities', pem: identity.cert },
      connectTimeoutMs: 60_000,
      operationTimeoutMs: 60_000,
    };
  }

  const floods: [what: string, first: (id: number) => Buffer, then: (id: number) => Buffer, said: RegExp][] = [
    [
      'a message of 600 MB',
      () => Buffer.from('308423c34600', 'hex'),
      () => Buffer.alloc(MIB),
      /a message of 600000006/,
    ],
    [
      'messages that answer nothing',
      () => Buffer.alloc(0),
      () => Buffer.concat(Array.from({ length: 1000 }, () => result(77, 0x61, 0))),
      /more than 16 messages that answer nothing/,
    ],
    [
      'entries without an end',
      () => Buffer.alloc(0),
      (id) => entry(id, 'CN=alice', { x: [Buffer.alloc(30_000)] }),
      /more than \d+ bytes without an end/,
    ],
    [
      'many small entries without an end',
      () => Buffer.alloc(0),
      (id) => Buffer.concat(Array.from({ length: 1000 }, () => entry(id, '', {}))),
      /more than \d+ bytes without an end/,
    ],
    ['no LDAP', () => Buffer.from('HTTP/1.1 200 OK\r\n'), () => Buffer.alloc(MIB), /no LDAP message/],
  ];

  for (const [what, first, then, said] of floods) {
    it(`gets nowhere with ${what} before the bind`, async () => {
      let flood: Promise<number> | undefined;
      const access = await accessTo(() => (id, socket) => {
        flood = pour(socket, first(id), then(id));
      });
      await assert.rejects(openConnection(access), isRefused(said));
      await assertEndedEarly(flood);
    });

    it(`gets nowhere with ${what} after the bind`, async () => {
      let flood: Promise<number> | undefined;
      const access = await accessTo((tag) =>
        tag === Request.search
          ? (id, socket) => {
              flood = pour(socket, first(id), then(id));
            }
          : 0,
      );
      const { search, first: connection, close } = await searching(access);
      await assert.rejects(search('DC=x', { scope: 'base' }), isRefused(said));
      assert.ok(connection.socket.destroyed);
      const sent = await flood;
      assert.ok(sent !== undefined && sent < FLOOD / 2, `${sent} bytes went out`);
      await close();
    });
  }

  it('gets nowhere with an answer to a bind that is longer than any, by whatever method', async () => {
    const announced = Buffer.from('308300ffff', 'hex');
    announced.writeUIntBE(MOST_BEFORE_BIND, 2, 3);
    const tooLong = new RegExp(`a message of ${MOST_BEFORE_BIND + 5} bytes`);
    const access = await accessTo(() => (_id, socket) => void socket.write(announced));
    await assert.rejects(openConnection(access), isRefused(tooLong));

    const socket = await openSecureSocket(access.address, access.trust, 60_000);
    const step = saslStep(socket, 1, 'GSSAPI', Buffer.alloc(10), AbortSignal.timeout(60_000));
    await assert.rejects(step, tooLong);
    await step.catch((error) => isRefused(tooLong)(operationFailed(access.address, error)));
    socket.destroy();
  });

  it('does not keep a reader busy with a message that never ends to be read', async () => {
    const access = await accessTo((tag) =>
      tag === Request.search
        ? (id, socket) => {
            const head = Buffer.from('3017020100641204000410300e0401783109048400ffffff0000', 'hex');
            head.writeUInt8(id, 4);
            socket.write(head.subarray(0, 2 + 0x17));
          }
        : 0,
    );
    const { search, close } = await searching(access);
    await assert.rejects(search('DC=x', { scope: 'base' }), isRefused(/not put together as LDAP wants it/));
    await close();
  });

  it('is told from a good one, which sends an entry with attributes at their limits', async () => {
    const blob = Buffer.alloc(MIB, 1);
    const digests = Array.from({ length: 1300 }, (_, index) => Buffer.alloc(16, index));
    const access = await accessTo((tag) =>
      tag === Request.search
        ? (id, socket) => {
            socket.write(entry(id, 'CN=alice', { mSMQSignCertificates: [blob], mSMQDigests: digests }));
            socket.write(result(id, 0x65, 0));
          }
        : 0,
    );
    const { search, close } = await searching(access);
    // each answer ends, so what came before does not count
    for (let round = 0; round < 3; round++) assert.deepEqual(await readPair(search, 'CN=alice'), { blob, digests });
    await close();
  });
});

async function searching(access: Access): Promise<{ search: Search; first: Connection; close(): Promise<void> }> {
  const first = await openConnection(access);
  const link = keepConnected(first, () => openConnection(access));
  return { search: searchThrough(link, access.address, access.operationTimeoutMs), first, close: link.close };
}

/** Sends as fast as the other end takes it until that hangs up; resolves to the bytes that went out. */
async function pour(socket: Socket, first: Buffer, then: Buffer): Promise<number> {
  let sent = first.length;
  socket.write(first);
  while (sent < FLOOD && !socket.destroyed) {
    sent += then.length;
    if (socket.write(then)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('drain', resolve).once('close', resolve);
    await promise;
    socket.off('drain', resolve).off('close', resolve);
  }
  return sent;
}

async function assertEndedEarly(flood: Promise<number> | undefined): Promise<void> {
  const sent = await flood;
  assert.ok(sent !== undefined && sent < AT_ONCE, `${sent} bytes went out`);
}
