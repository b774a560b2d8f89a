import assert from 'node:assert/strict';
import { PresenceFilter } from 'ldapts';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import { keepConnected, openConnection } from '../../../../src/directory/active-directory/connect/connection.ts';
import { entriesBelow } from '../../../../src/directory/active-directory/read/pages.ts';
import { entry, ldapStandIn, makeIdentity, pageEnd, Request } from '../stand-in.ts';

const identity = makeIdentity();

interface Page {
  names: string[];
  next: string;
}

/** Lists from a server that answers the n-th request with the n-th page, and each later one with the last. */
async function listed(pages: (number: number) => Page) {
  const cookies: boolean[] = [];
  let asked = 0;
  const server = await ldapStandIn(identity, (tag) => {
    if (tag !== Request.search) return 0;
    return (id, socket, request) => {
      const { names, next } = pages(asked++);
      cookies.push(asked === 1 || request.includes(`cookie ${asked - 1}`));
      socket.write(Buffer.concat([...names.map((name) => entry(id, name, {})), pageEnd(id, next)]));
    };
  });
  const access = {
    address: parseLdapUrl(`ldaps://127.0.0.1:${server.port}`),
    credentials: { kind: 'simple', name: 'CORP\\alice', password: 'geheim' },
    trust: { kind: 'authorities', pem: identity.cert },
    connectTimeoutMs: 60_000,
    operationTimeoutMs: 60_000,
  } as const;
  const link = keepConnected(await openConnection(access), () => openConnection(access));
  const options = {
    filter: new PresenceFilter({ attribute: 'cn' }),
    attributes: ['cn'],
    explicitBufferAttributes: [],
    page: 2,
    timeoutMs: 60_000,
  };
  const names: string[] = [];
  try {
    for await (const { dn } of entriesBelow(link, access.address, 'DC=x', options)) names.push(dn);
    return { names, asked, error: null };
  } catch (error) {
    return { names, asked, error };
  } finally {
    assert.ok(!cookies.includes(false), 'each page is asked for with what the one before said');
    await link.close();
    await server.close();
  }
}

const pagesOf =
  (...lists: string[][]) =>
  (number: number): Page => ({
    names: lists[number] ?? [],
    next: number + 1 < lists.length ? `cookie ${number + 1}` : '',
  });

describe('going through pages', () => {
  it('gives every entry of every page once', async () => {
    const { names, asked, error } = await listed(pagesOf(['CN=a', 'CN=b'], ['CN=c', 'CN=d'], ['CN=e']));
    assert.deepEqual([names, asked, error], [['CN=a', 'CN=b', 'CN=c', 'CN=d', 'CN=e'], 3, null]);
  });

  it('goes on after an empty page that says there is more', async () => {
    const { names, error } = await listed(pagesOf([], ['CN=a'], [], [], ['CN=b']));
    assert.deepEqual([names, error], [['CN=a', 'CN=b'], null]);
  });

  it('gives up on empty pages without an end', async () => {
    const { asked, error } = await listed((number) => ({ names: [], next: `cookie ${number + 1}` }));
    assert.ok(asked <= 51, `${asked} pages`);
    assert.ok(error instanceof Error);
    assert.match(error.message, /sent 50 empty pages in a row: the listing comes to no end/);
    assert.equal(Reflect.get(error, 'code'), 'directory-error');
  });

  it('gives up on one page sent again and again', async () => {
    const { names, error } = await listed((number) => ({ names: ['CN=a', 'CN=b'], next: `cookie ${number + 1}` }));
    assert.deepEqual(names, ['CN=a', 'CN=b']);
    assert.ok(error instanceof Error);
    assert.match(error.message, /the page that begins with CN=a twice/);
  });
});
