import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openssl, withFolder } from '../certificate/support.ts';
import { type Invocation, runMsmqCert } from '../cli/msmq-cert.ts';
import {
  type IdentityOptions,
  ldapStandIn,
  listen,
  makeIdentity,
  result,
} from '../directory/active-directory/stand-in.ts';
import { reaching } from './command-line.ts';
import { type Lab, readPairIndependently, resetUser, startLab } from './lab.ts';
import { assertRefused, reachingExcept } from './refused.ts';

describe('The command and a directory that is out of reach', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
    await resetUser(lab, 'bob');
  });
  afterEach(async () => {
    assert.deepEqual(await readPairIndependently(lab, 'bob'), { blob: null, digests: [] });
  });

  const except = (changes: Record<string, string | null>) => reachingExcept(lab, changes);

  describe('about where the directory is', () => {
    it('says that a host was not found', () =>
      assertRefused(
        except({ '--directory': 'ldaps://no-such-host.invalid' }),
        3,
        /^error\[directory-unreachable\]: (host|the name) "no-such-host\.invalid" .+\nhint: check .+\n$/,
      ));

    it('says that a port refused the connection', () =>
      assertRefused(
        except({ '--directory': `${lab.url}:1` }),
        3,
        `error[directory-unreachable]: ${lab.ip}:1 refused the connection\n` +
          'hint: check the port (636 for ldaps://, 389 for ldap://) and that the domain controller runs\n',
      ));

    it('says which kinds of directory there are', () =>
      assertRefused(
        except({ '--directory': 'http://dc1.corp.example' }),
        2,
        /^error\[usage\]: the directory http:\S+ is of no known kind\nhint: .+\n$/,
      ));

    it('does not guess one', () =>
      assertRefused(
        except({ '--directory': null }),
        2,
        /^error\[usage\]: no directory is named\nhint: give --directory .+ or set MSMQ_CERT_DIRECTORY\n$/,
      ));
  });

  describe('about who binds', () => {
    const wrong = (name: string, problem: string, hint: string) =>
      `error[bind-refused]: ${lab.ip}:636 refused "${name}": ${problem}\nhint: ${hint}\n`;
    const check = 'check both; a wrong password counts towards a lockout, so do not just try again';

    it('says that a name is wrong', () =>
      assertRefused(
        except({ '--bind': 'CORP\\nobody' }),
        3,
        wrong('CORP\\nobody', 'the name or the password is wrong', check),
      ));

    it('says that a password is wrong, and not which', async () => {
      const password = randomBytes(12).toString('hex');
      const env = { MSMQ_CERT_PASSWORD: password };
      const words = except({ '--password-file': null });
      await assertRefused(words, 3, wrong('CORP\\provisioner', 'the name or the password is wrong', check), { env });
      const verbose = await runMsmqCert(['list', 'bob', '--verbose', '--json', ...words], { env });
      assert.equal(JSON.parse(verbose.stdout).error.code, 'bind-refused');
      assert.ok(!`${verbose.stdout}${verbose.stderr}`.includes(password));
    });

    it('says that an account is disabled', () =>
      assertRefused(
        reaching(lab, 'disabled'),
        3,
        wrong('CORP\\disabled', 'the account is disabled', 'enable the account or use another one'),
      ));

    const empty = {
      'on standard input': [['--password-stdin'], { input: '\nsecond line' }],
      'in the environment': [[], { env: { MSMQ_CERT_PASSWORD: '' } }],
      'in a file': [['--password-file', '/dev/null'], {}],
    } satisfies Record<string, [string[], Invocation]>;
    for (const [where, [words, invocation]] of Object.entries(empty)) {
      it(`refuses an empty password ${where}`, () =>
        assertRefused(
          [...except({ '--password-file': null }), ...words],
          2,
          'error[credentials-missing]: the password for CORP\\provisioner is empty\n' +
            'hint: an LDAP bind with an empty password is an anonymous one; give the real password\n',
          invocation,
        ));
    }

    it('says how to give a password where none is given', () =>
      assertRefused(
        except({ '--password-file': null }),
        2,
        /^error\[credentials-missing\]: there is no password for CORP\\provisioner\nhint: .*--password-file.*MSMQ_CERT_PASSWORD.*\n$/,
      ));
  });

  describe('about whom to trust', () => {
    const trustHint =
      "hint: give the certificate of the issuing authority with --ca-file, or pin this server's certificate with --tls-fingerprint\n";

    it('does not trust an authority that it does not know', () =>
      assertRefused(
        except({ '--ca-file': null }),
        3,
        `error[tls-untrusted]: the certificate of ${lab.ip}:636 comes from an authority that is not trusted\n${trustHint}`,
      ));

    it('does not trust the lab because of another authority of the same name', () =>
      withFolder(async (folder) => {
        const file = join(folder, 'ca.pem');
        const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'ca.key')];
        await openssl('req', '-x509', ...key, '-subj', '/CN=MSMQ lab CA', '-out', file);
        await assertRefused(except({ '--ca-file': file }), 3, /^error\[tls-untrusted\]: .+\nhint: .+\n$/);
      }));

    it('refuses a file that is no certificate', () =>
      assertRefused(
        except({ '--ca-file': lab.accounts.bob.passwordFile }),
        2,
        /^error\[invalid-config\]: the file \S+ holds no PEM certificate\nhint: give the authority in PEM form; .+\n$/,
      ));

    it('refuses another fingerprint, and shows the one it saw', () =>
      assertRefused(
        ['--tls-fingerprint', 'ab'.repeat(32), ...except({ '--ca-file': null })],
        3,
        /^error\[tls-untrusted\]: the certificate of \S+ has the SHA-256 fingerprint ([\dA-F]{2}:){31}[\dA-F]{2}, not the pinned one\nhint: .+\n$/,
      ));

    const certificates = [
      {
        what: 'that has expired',
        options: { valid: { from: -9, to: -2 } },
        message:
          /^error\[tls-untrusted\]: the certificate of \S+, or one of its authorities, has expired\nhint: renew .+\n$/,
      },
      {
        what: 'for another name',
        options: { names: [{ type: 2, value: 'dc9.corp.example' }] },
        message:
          /^error\[tls-untrusted\]: the certificate of \S+ is for DNS:dc9\.corp\.example, not for "127\.0\.0\.1"\nhint: connect by .+\n$/,
      },
    ] satisfies { what: string; options: IdentityOptions; message: RegExp }[];
    for (const { what, options, message } of certificates) {
      it(`refuses a server certificate ${what}, and sends it nothing`, () =>
        withFolder(async (folder) => {
          const file = join(folder, 'ca.pem');
          const authority = makeIdentity();
          await writeFile(file, authority.cert);
          const server = await ldapStandIn(makeIdentity({ issuer: authority, ...options }), () => 0);
          try {
            const url = `ldaps://127.0.0.1:${server.port}`;
            await assertRefused(except({ '--directory': url, '--ca-file': file }), 3, message);
            assert.deepEqual(server.connections.flat(), []);
          } finally {
            await server.close();
          }
        }));
    }

    it('sends nothing but StartTLS over a connection that is not protected', async () => {
      const received: Buffer[] = [];
      const server = await listen((socket) => {
        socket.on('data', (bytes) => {
          received.push(bytes);
          socket.write(result(1, 0x78, 52, 'no certificate'));
        });
      });
      try {
        await assertRefused(
          except({ '--directory': `ldap://127.0.0.1:${server.port}` }),
          3,
          `error[tls-untrusted]: 127.0.0.1:${server.port} refused StartTLS: no certificate\n` +
            'hint: give the domain controller a server certificate; no credentials are sent over an unprotected connection\n',
        );
        // an extended request with the name of StartTLS (RFC 4511 §4.14.1) and nothing after it
        const request = Buffer.concat([
          Buffer.from('301d02010177188016', 'hex'),
          Buffer.from('1.3.6.1.4.1.1466.20037'),
        ]);
        assert.deepEqual(Buffer.concat(received), request);
      } finally {
        await server.close();
      }
    });
  });
});
