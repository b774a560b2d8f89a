import assert from 'node:assert/strict';
import { once } from 'node:events';
import { inspect } from 'node:util';
import type { Pair } from '../../../../src/blob/pair.ts';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import {
  type Access,
  type Connection,
  keepConnected,
  type Link,
  openConnection,
} from '../../../../src/directory/active-directory/connect/connection.ts';
import { type Search, searchThrough } from '../../../../src/directory/active-directory/read/search.ts';
import { swapPair } from '../../../../src/directory/active-directory/write/swap.ts';
import { toMsmqCertError } from '../../../../src/errors.ts';
import { type Answer, ldapStandIn, makeIdentity, Request, type StandIn } from '../stand-in.ts';

const identity = makeIdentity();
const password = 'geheim-und-lang';

describe('a kept connection', () => {
  let server: StandIn;
  let link: Link;
  let first: Connection;
  let search: Search;
  let access: Access;

  async function start(answer: (tag: number, connection: number) => Answer, operationTimeoutMs = 5000) {
    server = await ldapStandIn(identity, answer);
    access = {
      address: parseLdapUrl(`ldaps://127.0.0.1:${server.port}`),
      credentials: { kind: 'simple', name: 'CORP\\alice', password },
      trust: { kind: 'authorities', pem: identity.cert },
      connectTimeoutMs: 5000,
      operationTimeoutMs,
    };
    first = await openConnection(access);
    link = keepConnected(first, () => openConnection(access));
    search = searchThrough(link, access.address, operationTimeoutMs);
  }
  afterEach(async () => {
    await link.close();
    await server.close();
  });

  const read = () => search('DC=x', { scope: 'base' });
  async function lose() {
    server.drop();
    if (!first.socket.destroyed) await once(first.socket, 'close');
  }
  const { bind, search: find, modify } = Request;

  it('serves many requests', async () => {
    await start(() => 0);
    await Promise.all([read(), read(), read()]);
    assert.deepEqual(server.connections, [[bind, find, find, find]]);
  });

  it('comes back once, with a bind, for many readers that lost it', async () => {
    await start(() => 0);
    await lose();
    await Promise.all(Array.from({ length: 10 }, read));
    assert.deepEqual(server.connections, [[bind], [bind, ...Array.from({ length: 10 }, () => find)]]);
  });

  it('comes back when it is lost in the middle of a read', async () => {
    await start((tag, connection) => (tag === find && connection === 0 ? 'close' : 0));
    assert.deepEqual(await read(), []);
    assert.deepEqual(server.connections, [
      [bind, find],
      [bind, find],
    ]);
  });

  it('gives up on a server that always hangs up', async () => {
    await start((tag) => (tag === find ? 'close' : 0));
    await assert.rejects(read(), { code: 'directory-unreachable', message: /was lost/ });
    assert.equal(server.connections.length, 3);
  });

  it('does not wait longer than it was told, nor asks a second time', async () => {
    await start((tag) => (tag === find ? 'silence' : 0), 100);
    await assert.rejects(read(), { code: 'directory-timeout' });
    assert.equal(server.connections.length, 1);
  });

  it('lets nothing through when the server no longer accepts the bind', async () => {
    await start((tag, connection) => (tag === bind && connection > 0 ? 49 : 0));
    await lose();
    await assert.rejects(read(), { code: 'bind-refused' });
    assert.deepEqual(server.connections, [[bind], [bind]]);
  });

  it('never turns a lost client into an unauthenticated one', async () => {
    await start(() => 0);
    await lose();
    await assert.rejects(first.client.search('DC=x', { scope: 'base' }), /connection is closed/);
    assert.deepEqual(server.connections, [[bind]]);
  });

  it('does not repeat what the server refuses', async () => {
    await start((tag) => (tag === find ? 1 : 0));
    await assert.rejects(read(), { code: 'directory-error' });
    assert.deepEqual(server.connections, [[bind, find]]);
  });

  for (const code of [32, 34, 10]) {
    it(`has nothing below a base that is not there: ${code}`, async () => {
      await start((tag) => (tag === find ? code : 0));
      assert.deepEqual(await read(), []);
    });
  }

  it('says that the server is busy', async () => {
    await start((tag) => (tag === find ? 51 : 0));
    await assert.rejects(read(), { code: 'directory-busy' });
  });

  it('is over after close', async () => {
    await start(() => 0);
    await link.close();
    await assert.rejects(read(), { code: 'directory-unreachable' });
    assert.ok(!server.connections.flat().includes(find));
  });

  it('keeps the password out of every error', async () => {
    await start((tag, connection) => (tag === find ? 'close' : connection > 0 ? 49 : 0));
    const nowhere = { ...access, address: { ...access.address, port: 1 } };
    const untrusting: Access = { ...access, trust: { kind: 'authorities', pem: null } };
    const failures = [read(), openConnection(access), openConnection(nowhere), openConnection(untrusting)];
    const errors = await Promise.all(failures.map((failure) => failure.then(() => 'no error', toMsmqCertError)));
    const codes = ['bind-refused', 'bind-refused', 'directory-unreachable', 'tls-untrusted'];
    assert.deepEqual(
      errors.map((error) => (typeof error === 'string' ? error : error.code)),
      codes,
    );
    assert.ok(!inspect(errors, { depth: Infinity, showHidden: true }).includes(password));
  });

  describe('under a swap', () => {
    const user = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: null, protected: false };
    const before: Pair = { blob: null, digests: [] };
    const change = { blob: new Uint8Array(4), digestsToAdd: [new Uint8Array(16)], digestsToDelete: [] };
    const after: Pair = { blob: change.blob, digests: change.digestsToAdd };
    const swap = (now: Pair) =>
      swapPair(
        {
          link,
          address: access.address,
          reread: async () => {
            await read();
            return now;
          },
          writableServer: async () => null,
        },
        user,
        before,
        change,
      );

    it('comes back before anything is sent', async () => {
      await start(() => 0);
      await lose();
      assert.deepEqual(await swap(before), { kind: 'swapped' });
      assert.deepEqual(server.connections, [[bind], [bind, modify]]);
    });

    const lost: [answer: Answer, now: Pair, kind: string][] = [
      ['close', after, 'swapped'],
      ['close', before, 'conflict'],
      ['silence', after, 'swapped'],
    ];
    for (const [answer, now, kind] of lost) {
      it(`comes back to read what became of a write that met with ${answer}: ${kind}`, async () => {
        await start((tag) => (tag === modify ? answer : 0), answer === 'silence' ? 100 : 5000);
        assert.deepEqual(await swap(now), { kind });
        assert.deepEqual(server.connections, [
          [bind, modify],
          [bind, find],
        ]);
      });
    }
  });
});
