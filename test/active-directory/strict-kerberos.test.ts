import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeServerCertificate } from '../../scripts/lab/certificates.ts';
import { openssl } from '../certificate/support.ts';
import { type Outcome, runMsmqCert } from '../cli/msmq-cert.ts';
import { machinesOf, readConsistentPair } from './command-line.ts';
import { kerberosEnv, kinit, makeKeytabOf } from './kerberos-session.ts';
import { type Lab, resetUser, runAdLab, startLab } from './lab.ts';
import { tlsProxy } from './tls-proxy.ts';

describe('binding with Kerberos where channel binding is demanded', () => {
  let lab: Lab;
  let folder: string;
  before(async function () {
    // the tree of the newer Samba is built when it is not there
    this.timeout(600_000);
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-strict-'));
    lab = await startLab({ samba: '4.22' });
    await kinit(lab, join(folder, 'cache'), 'provisioner');
  });
  afterEach(async () => {
    await resetUser(lab, 'bob');
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function register(url: string, env: Record<string, string> = {}): Promise<Outcome> {
    const access = ['--directory', url, '--dns-server', lab.ip, '--ca-file', lab.caFile, '--auth', 'kerberos'];
    const ticket = { ...kerberosEnv(lab, join(folder, 'cache')), ...env };
    return await runMsmqCert(['register', 'bob', ...access, '--machine', 'PC-1', '--out', 'keys'], {
      env: ticket,
      cwd: folder,
    });
  }

  async function registers(url: string, env: Record<string, string> = {}): Promise<void> {
    const outcome = await register(url, env);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(machinesOf(await readConsistentPair(lab, 'bob')), ['PC-1']);
  }

  for (const protocol of ['ldaps', 'ldap']) {
    it(`registers over ${protocol}:// with a ticket cache`, () => registers(`${protocol}://${lab.host}`));

    it(`registers over ${protocol}:// with a keytab`, async () => {
      const keytab = join(folder, `${protocol}.keytab`);
      await makeKeytabOf(lab, 'provisioner', keytab);
      await registers(`${protocol}://${lab.host}`, { KRB5_CLIENT_KTNAME: keytab, KRB5CCNAME: 'MEMORY:' });
    });
  }

  describe('through a proxy that ends TLS', () => {
    /** What the proxy shows: both certificates are good for the domain controller's name. */
    async function through(folderOfCertificate: string, use: (url: string) => Promise<void>): Promise<void> {
      const [caPem = '', cert = '', key = ''] = await Promise.all(
        [lab.caFile, join(folderOfCertificate, 'tls.pem'), join(folderOfCertificate, 'tls.key')].map((path) =>
          readFile(path, 'utf8'),
        ),
      );
      const proxy = await tlsProxy(lab.ip, caPem, { cert, key });
      try {
        await use(`ldaps://${lab.host}:${proxy.port}`);
      } finally {
        await proxy.close();
      }
    }

    it('is refused when the proxy has another certificate', async () => {
      const [server] = lab.dcs;
      assert.ok(server);
      await makeServerCertificate(lab.dir, server, folder, AbortSignal.timeout(60_000));
      await through(folder, async (url) => {
        const { code, stderr } = await register(url);
        assert.equal(code, 3, stderr);
        assert.match(
          stderr,
          /^error\[bind-refused\]: .* does not belong to this TLS connection, by its channel binding$/m,
        );
        assert.match(stderr, /^hint: something between here and dc1\.corp\.example may end TLS/m);
        assert.deepEqual(await readConsistentPair(lab, 'bob'), []);
      });
    });

    it('is accepted when it has the certificate of the domain controller', () =>
      through(join(lab.dir, 'dc1'), (url) => registers(url)));
  });

  describe('with another certificate of the server', () => {
    let original: string;
    before(async () => {
      original = join(folder, 'original');
      await mkdir(original);
      for (const name of ['ca.pem']) await copyFile(join(lab.dir, name), join(original, name));
      for (const name of ['tls.pem', 'tls.key']) await copyFile(join(lab.dir, 'dc1', name), join(original, name));
    });
    after(async () => {
      await copyFile(join(original, 'ca.pem'), lab.caFile);
      await restartWith(() => useCertificate(original));
    });

    it('registers when it is signed with SHA-512', async () => {
      await restartWith(async () => {
        await makeCertificate(['-newkey', 'rsa:2048', '-sha512', ...signedBy(lab.caFile, join(lab.dir, 'ca.key'))]);
      });
      await registers(`ldaps://${lab.host}`);
    });

    it('registers when its key and the one of its authority are elliptic curves', async () => {
      await restartWith(async () => {
        const [ca, key] = [join(folder, 'ec-ca.pem'), join(folder, 'ec-ca.key')];
        const usage = ['-addext', 'keyUsage=critical,keyCertSign'];
        await openssl('req', '-x509', '-nodes', ...EC, '-subj', '/CN=EC CA', ...usage, '-keyout', key, '-out', ca);
        await writeFile(lab.caFile, `${await readFile(lab.caFile, 'utf8')}${await readFile(ca, 'utf8')}`);
        await makeCertificate([...EC, '-sha384', ...signedBy(ca, key)]);
      });
      await registers(`ldaps://${lab.host}`);
    });

    const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const signedBy = (ca: string, key: string) => ['-CA', ca, '-CAkey', key];

    async function makeCertificate(words: string[]): Promise<void> {
      await openssl(
        ...['req', '-x509', '-nodes', '-days', '1', '-subj', `/CN=${lab.host}`, ...words],
        ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth'],
        ...['-addext', `subjectAltName=DNS:${lab.host},IP:${lab.ip}`],
        ...['-keyout', join(lab.dir, 'dc1/tls.key'), '-out', join(lab.dir, 'dc1/tls.pem')],
      );
    }

    async function useCertificate(from: string): Promise<void> {
      for (const name of ['tls.pem', 'tls.key']) await copyFile(join(from, name), join(lab.dir, 'dc1', name));
    }

    async function restartWith(change: () => Promise<void>): Promise<void> {
      await runAdLab(['stop-dc', '1', '--dir', lab.dir]);
      await change();
      await runAdLab(['start-dc', '1', '--dir', lab.dir]);
    }
  });
});
