import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import { type Credentials, openConnection } from '../../../../src/directory/active-directory/connect/connection.ts';
import { openSecureSocket, type Trust } from '../../../../src/directory/active-directory/connect/tls.ts';
import { dialFailed } from '../../../../src/directory/active-directory/errors.ts';
import {
  type Identity,
  type IdentityOptions,
  type Listener,
  ldapStandIn,
  listen,
  makeIdentity,
  result,
} from '../stand-in.ts';

const authority = makeIdentity();
const trusted: Trust = { kind: 'authorities', pem: authority.cert };
const systemOnly: Trust = { kind: 'authorities', pem: null };
const signed = (options: IdentityOptions = {}) => makeIdentity({ issuer: authority, ...options });
const pinned = ({ cert }: Identity, change = (hex: string) => hex): Trust => ({
  kind: 'fingerprint',
  sha256: change(new X509Certificate(cert).fingerprint256),
});

describe('a protected connection', () => {
  const listeners: Listener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map(({ close }) => close()));
  });

  async function connectTo(identity: Identity, trust: Trust): Promise<string | null> {
    const server = await ldapStandIn(identity, () => 0);
    listeners.push(server);
    const socket = await openSecureSocket(parseLdapUrl(`ldaps://127.0.0.1:${server.port}`), trust, 5000);
    const protocol = socket.getProtocol();
    socket.destroy();
    return protocol;
  }

  it('is made when an authority vouches for the address', async () => {
    assert.match((await connectTo(signed(), trusted)) ?? '', /^TLSv1\.[23]$/);
  });

  it('is made with several authorities in one file, text between them', async () => {
    const other = makeIdentity({ names: null });
    const pem = `# first\n${other.cert}# second\n${authority.cert}`;
    assert.ok(await connectTo(signed(), { kind: 'authorities', pem }));
  });

  it('is made when an authority of the system vouches and others were given', async () => {
    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, authority.cert]);
    try {
      assert.ok(await connectTo(signed(), { kind: 'authorities', pem: makeIdentity({ names: null }).cert }));
    } finally {
      tls.setDefaultCACertificates(before);
    }
  });

  const untrusted: [what: string, identity: Identity, trust: Trust, message: RegExp][] = [
    ['an unknown authority', signed(), systemOnly, /comes from an authority that is not trusted/],
    ['a certificate that signed itself', makeIdentity(), systemOnly, /is self-signed and not trusted/],
    ['an expired certificate', signed({ valid: { from: -9, to: -2 } }), trusted, /has expired/],
    ['a certificate from the future', signed({ valid: { from: 2, to: 9 } }), trusted, /is not valid yet/],
    [
      'a certificate for others',
      signed({
        names: [
          { type: 2, value: 'dc9.corp.example' },
          { type: 7, ip: '127.0.0.9' },
        ],
      }),
      trusted,
      /is for DNS:dc9\.corp\.example, IP Address:127\.0\.0\.9, not for "127\.0\.0\.1"/,
    ],
    [
      'an address that stands as a name',
      signed({ names: [{ type: 2, value: '127.0.0.1' }] }),
      trusted,
      /not for "127\.0\.0\.1"/,
    ],
    ['a certificate without names', signed({ names: null }), trusted, /CN=signed stand-in without alternative names/],
  ];
  for (const [what, identity, trust, message] of untrusted) {
    it(`is refused for ${what}`, async () => {
      await assert.rejects(connectTo(identity, trust), { code: 'tls-untrusted', message });
    });
  }

  describe('with a pinned certificate', () => {
    it('is made whoever issued it, to whatever name and until when', async () => {
      const odd = makeIdentity({ names: [{ type: 2, value: 'elsewhere' }], valid: { from: -9, to: -2 } });
      assert.ok(await connectTo(odd, pinned(odd)));
    });

    it('takes the fingerprint without colons and in small letters', async () => {
      const identity = signed();
      assert.ok(
        await connectTo(
          identity,
          pinned(identity, (hex) => hex.replaceAll(':', '').toLowerCase()),
        ),
      );
    });

    it('refuses another certificate, shows which one there is and sends nothing', async () => {
      const identity = signed();
      const server = await ldapStandIn(identity, () => 0);
      listeners.push(server);
      const address = parseLdapUrl(`ldaps://127.0.0.1:${server.port}`);
      const access = {
        address,
        credentials: someone,
        trust: pinned(authority),
        connectTimeoutMs: 5000,
        operationTimeoutMs: 5000,
      };
      const { fingerprint256 } = new X509Certificate(identity.cert);
      await assert.rejects(openConnection(access), { code: 'tls-untrusted', message: new RegExp(fingerprint256) });
      assert.deepEqual(server.connections.flat(), []);
    });

    for (const sha256 of ['', 'abcd', 'g'.repeat(64), 'a'.repeat(40)]) {
      it(`refuses "${sha256}" as a fingerprint`, async () => {
        await assert.rejects(connectTo(signed(), { kind: 'fingerprint', sha256 }), { code: 'invalid-config' });
      });
    }
  });

  for (const pem of ['', 'not pem', authority.cert.replace(/\n.{9}/, '\nAAAAAAAAA'), authority.key]) {
    it('refuses authorities that cannot be read', async () => {
      await assert.rejects(connectTo(signed(), { kind: 'authorities', pem }), { code: 'invalid-config' });
    });
  }

  const someone: Credentials = { kind: 'simple', name: 'CORP\\alice', password: 'geheim' };
  const startTlsAnswer = (code: number) => result(1, 0x78, code, '00000000: LdapErr: Error initializing SSL/TLS');
  const odd: [what: string, answer: (() => Buffer | string) | 'close', code: string, message: RegExp][] = [
    [
      'a web server',
      () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
      'directory-unreachable',
      /does not answer as an LDAP server/,
    ],
    ['a server that hangs up', 'close', 'directory-unreachable', /closed the connection before it was protected/],
    ['a server that says nothing', () => '', 'directory-timeout', /did not complete the connection in time/],
  ];
  for (const [what, answer, code, message] of odd) {
    for (const protocol of ['ldaps', 'ldap']) {
      it(`is not made with ${what} by ${protocol}://`, async () => {
        const { heard, attempt } = await talkTo(protocol, answer);
        await assert.rejects(attempt, { code, message });
        assert.ok(!Buffer.concat(heard).includes('geheim'));
      });
    }
  }

  it('is not made with a server that refuses StartTLS, which gets no credentials', async () => {
    const { heard, attempt } = await talkTo('ldap', () => startTlsAnswer(52));
    await assert.rejects(attempt, {
      code: 'tls-untrusted',
      message: /refused StartTLS: .*Error initializing SSL\/TLS/,
    });
    assert.equal(heard.length, 1);
  });

  it('is not made by answers in the clear after StartTLS', async () => {
    const bound = result(2, 0x61, 0);
    const { heard, attempt } = await talkTo('ldap', () => Buffer.concat([startTlsAnswer(0), bound, bound]));
    await assert.rejects(attempt, { code: 'directory-timeout' });
    assert.ok(!Buffer.concat(heard).includes('geheim'));
  });

  async function talkTo(protocol: string, answer: (() => Buffer | string) | 'close') {
    const heard: Buffer[] = [];
    const server = await listen((socket) => {
      socket.once('data', () => (answer === 'close' ? socket.destroy() : socket.write(answer())));
      socket.on('data', (bytes) => heard.push(bytes));
    });
    listeners.push(server);
    const address = parseLdapUrl(`${protocol}://127.0.0.1:${server.port}`);
    const access = { address, credentials: someone, trust: systemOnly, connectTimeoutMs: 300, operationTimeoutMs: 300 };
    return { heard, attempt: openConnection(access) };
  }
});

describe('an address that cannot be reached', () => {
  const address = parseLdapUrl('ldaps://dc1.corp.example');
  const codes: [system: string, code: string, message: RegExp][] = [
    ['ENOTFOUND', 'directory-unreachable', /host "dc1\.corp\.example" was not found/],
    ['EAI_AGAIN', 'directory-unreachable', /could not be resolved/],
    ['ECONNREFUSED', 'directory-unreachable', /dc1\.corp\.example:636 refused the connection/],
    ['EHOSTUNREACH', 'directory-unreachable', /no network route leads to dc1\.corp\.example:636/],
    ['ENETUNREACH', 'directory-unreachable', /no network route leads to dc1\.corp\.example:636/],
    ['ETIMEDOUT', 'directory-timeout', /dc1\.corp\.example:636 did not complete/],
    ['ECONNRESET', 'directory-unreachable', /connection to dc1\.corp\.example:636 failed/],
  ];
  for (const [system, code, message] of codes) {
    it(`${system}: ${code}`, () => {
      const error = dialFailed(address, Object.assign(new Error('what Node says'), { code: system }));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.hint);
    });
  }
});
