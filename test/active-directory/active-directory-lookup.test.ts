import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { ActiveDirectory, ConnectionOptions } from '../../src/directory/active-directory/active-directory.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { type Lab, ldapModify, readPassword, startLab } from './lab.ts';
import { labConnections } from './lab-connections.ts';

describe('Active Directory: connecting and finding users', () => {
  let lab: Lab;
  const { connect, closeAll } = labConnections(() => lab);
  before(async () => {
    lab = await startLab();
  });
  afterEach(closeAll);

  describe('connecting', () => {
    it('works over LDAPS and StartTLS, as a global catalog, and by a pinned certificate', async () => {
      const sha256 = await fingerprint(lab.ip);
      const ways: Partial<ConnectionOptions>[] = [
        {},
        { url: lab.startTlsUrl },
        { url: lab.gcUrl },
        { trust: { kind: 'fingerprint', sha256 } },
        { url: lab.startTlsUrl, trust: { kind: 'fingerprint', sha256 } },
      ];
      for (const way of ways) {
        const directory = await connect('provisioner', way);
        assert.equal(directory.rootDse.dnsHostName?.toLowerCase(), lab.host);
        assert.equal((await directory.findUser('alice')).account, 'CORP\\alice');
      }
    });

    it('takes every form of a bind name', async () => {
      const password = await readPassword(lab, 'alice');
      const { bind, upn, dn } = lab.accounts.alice;
      for (const name of [bind, upn, dn]) await connect('alice', { credentials: { kind: 'simple', name, password } });
    });

    const wrong = randomBytes(9).toString('hex');
    const refused: [what: string, more: () => Partial<ConnectionOptions>, code: ErrorCode, message: RegExp][] = [
      [
        'an authority it does not know',
        () => ({ trust: { kind: 'authorities', pem: null } }),
        'tls-untrusted',
        /not trusted/,
      ],
      ['a port nobody listens on', () => ({ url: `${lab.url}:1` }), 'directory-unreachable', /:1 refused/],
      [
        'LDAPS on the plain port',
        () => ({ url: `${lab.url}:389` }),
        'directory-unreachable',
        /:389 closed the connection/,
      ],
      ['StartTLS on the TLS port', () => ({ url: `${lab.startTlsUrl}:636` }), 'directory-unreachable', /:636/],
      [
        'a wrong password',
        () => ({ credentials: { kind: 'simple', name: 'CORP\\alice', password: wrong } }),
        'bind-refused',
        /"CORP\\alice": the name or the password is wrong/,
      ],
      [
        'an account that is not there',
        () => ({ credentials: { kind: 'simple', name: 'CORP\\nobody', password: wrong } }),
        'bind-refused',
        /"CORP\\nobody"/,
      ],
      [
        'an empty password',
        () => ({ credentials: { kind: 'simple', name: 'CORP\\alice', password: '' } }),
        'credentials-missing',
        /"CORP\\alice" is empty/,
      ],
      [
        'a base DN that is not there',
        () => ({ baseDn: 'OU=Nowhere,DC=corp,DC=example' }),
        'invalid-config',
        /"OU=Nowhere,DC=corp,DC=example"/,
      ],
      [
        'a base DN of another forest',
        () => ({ baseDn: 'DC=other,DC=example' }),
        'invalid-config',
        /"DC=other,DC=example"/,
      ],
      ['a base DN that is none', () => ({ baseDn: 'nonsense,,' }), 'invalid-config', /"nonsense,,"/],
    ];
    for (const [what, more, code, message] of refused) {
      it(`is refused with ${what}`, async () => {
        await assert.rejects(connect('provisioner', more()), { code, message });
      });
    }

    it('is refused with a disabled account, which is named', async () => {
      await assert.rejects(connect('disabled'), {
        code: 'bind-refused',
        message: /"CORP\\disabled": the account is disabled/,
      });
    });
  });

  describe('finding users', () => {
    let directory: ActiveDirectory;
    beforeEach(async () => {
      directory = await connect();
    });

    it('takes every form of a name and means the same user', async () => {
      const alice = await directory.findUser('alice');
      assert.equal(alice.account, 'CORP\\alice');
      assert.equal(alice.dn, lab.accounts.alice.dn);
      assert.match(alice.sid ?? '', /^S-1-5-21-\d+-\d+-\d+-\d+$/);
      assert.match(alice.guid ?? '', /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
      assert.equal(alice.protected, false);
      const forms = [
        'ALICE',
        'CORP\\alice',
        'corp\\Alice',
        'corp.example\\alice',
        lab.accounts.alice.upn,
        alice.dn,
        alice.sid ?? '',
      ];
      for (const form of forms) assert.deepEqual(await directory.findUser(form), alice);
    });

    it('finds a user whose distinguished name needs every kind of escaping', async () => {
      const dave = await directory.findUser('dave');
      assert.match(dave.dn, /^CN=Müller\\, David \\"Dave\\" \\\+ Söhne,OU=MQ,/);
      for (const form of [dave.dn, lab.accounts.dave.dn]) assert.deepEqual(await directory.findUser(form), dave);
    });

    it('finds a UPN of its own and one that nobody wrote down', async () => {
      const { dn } = lab.accounts.dave;
      await ldapModify(
        lab,
        upnRecord(dn, 'replace: userPrincipalName\nuserPrincipalName: d.müller@elsewhere.example\n'),
      );
      try {
        for (const upn of ['D.Müller@elsewhere.example', 'dave@corp.example']) {
          assert.equal((await directory.findUser(upn)).account, 'CORP\\dave');
        }
      } finally {
        await ldapModify(
          lab,
          upnRecord(dn, `replace: userPrincipalName\nuserPrincipalName: ${lab.accounts.dave.upn}\n`),
        );
      }
    });

    it('finds computers and says which users are protected', async () => {
      assert.equal((await directory.findUser('PC-1$')).account, 'CORP\\PC-1$');
      assert.equal((await directory.findUser('protected')).protected, true);
    });

    const nobody = [
      ...[
        '*',
        'al*',
        '*)(objectClass=*',
        'alice)(objectClass=*',
        'CORP\\al\\69ce',
        '(alice)',
        'alice\0',
        'älice',
        'alicé',
      ],
      ...['nobody', 'EAST\\alice', 'alice@east.example', '*@corp.example', 'S-1-5-21-1-2-3-4'],
      ...[
        'CN=nobody,DC=corp,DC=example',
        'CN=x,DC=other,DC=example',
        'CN=broken,,',
        'OU=MQ,DC=corp,DC=example',
        'CN=*,OU=MQ,DC=corp,DC=example',
      ],
      // a group is no user
      'Domain Admins',
    ];
    for (const name of nobody) {
      it(`finds nobody named ${JSON.stringify(name)}`, async () => {
        await assert.rejects(directory.findUser(name), { code: 'user-not-found' });
      });
    }

    it('finds many at once as it finds each alone, and leaves the others to that', async () => {
      const alice = await directory.findUser('alice');
      const dave = await directory.findUser('dave');
      const others = [alice.dn, alice.sid ?? '', lab.accounts.alice.upn, '\\alice', '', ...nobody];
      const found = await directory.findUsers?.(['ALICE', 'corp.example\\dave', ' CORP\\alice ', 'alice', ...others]);
      assert.deepEqual(found, [alice, dave, alice, alice, ...others.map(() => null)]);
      const many = [...Array.from({ length: 250 }, (_, index) => `nobody${index}`), 'alice'];
      assert.deepEqual(await directory.findUsers?.(many), [...many.slice(0, 250).map(() => null), alice]);
    });

    it('looks below the base DN only, and takes the domain it is given', async () => {
      const narrow = await connect('provisioner', { baseDn: `OU=MQ,${lab.baseDn}`, domain: 'OLD' });
      assert.equal((await narrow.findUser('OLD\\alice')).account, 'OLD\\alice');
      await assert.rejects(narrow.findUser('reader'), { code: 'user-not-found' });
    });
  });

  function upnRecord(dn: string, change: string): string {
    return `dn:: ${Buffer.from(dn).toString('base64')}\nchangetype: modify\n${change}-\n`;
  }
});

/** SHA-256 of the certificate that a server shows, as Node alone sees it. */
async function fingerprint(ip: string): Promise<string> {
  const socket = tls.connect({ host: ip, port: 636, rejectUnauthorized: false });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).fingerprint256);
      socket.destroy();
    });
  });
}
