import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Outcome, runMsmqCert } from '../cli/msmq-cert.ts';
import { machinesOf, readConsistentPair } from './command-line.ts';
import { kerberosEnv, kinit as kinitInto, runProgram } from './kerberos-session.ts';
import { type AccountName, type Lab, ldapModify, readPassword, resetUser, startLab } from './lab.ts';

describe('binding without a password', () => {
  let lab: Lab;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-kerberos-'));
    lab = await startLab();
  });
  afterEach(async () => {
    await resetUser(lab, 'bob');
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const cache = () => join(folder, 'cache');
  const kerberos = (more: Record<string, string> = {}) => ({ ...kerberosEnv(lab, cache()), ...more });
  const kinit = (as: AccountName, ...words: string[]) => kinitInto(lab, cache(), as, ...words);

  async function makeKeytab(as: AccountName): Promise<string> {
    const keytab = join(folder, `${as}.keytab`);
    const database = `--configfile=${lab.dir}/dc1/smb.conf`;
    await runProgram(['samba-tool', 'domain', 'exportkeytab', keytab, `--principal=${as}@${lab.realm}`, database]);
    return keytab;
  }

  async function cli(
    [verb = '', ...words]: string[],
    env: Record<string, string> = {},
    server = `ldaps://${lab.host}`,
  ): Promise<Outcome> {
    const access = ['--directory', server, '--dns-server', lab.ip, '--ca-file', lab.caFile, '--auth', 'kerberos'];
    return await runMsmqCert([verb, ...access, ...words], { env: kerberos(env), cwd: folder });
  }

  const register = ['register', 'bob', '--machine', 'PC-1', '--out', 'keys'];

  describe('with a ticket cache', () => {
    before(() => kinit('provisioner'));

    for (const protocol of ['ldaps', 'ldap']) {
      it(`registers over ${protocol}://`, async () => {
        const outcome = await cli(register, {}, `${protocol}://${lab.host}`);
        assert.equal(outcome.code, 0, outcome.stderr);
        assert.deepEqual(machinesOf(await readConsistentPair(lab, 'bob')), ['PC-1']);
      });
    }

    it('registers in a domain that DNS finds', async () => {
      const outcome = await cli(register, {}, 'ad://corp.example');
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.match(outcome.stderr, /using dc1\.corp\.example, the PDC emulator of corp\.example/);
      assert.deepEqual(machinesOf(await readConsistentPair(lab, 'bob')), ['PC-1']);
    });

    it('takes the principal that --bind names, and no other', async () => {
      assert.equal((await cli(['list', 'bob', '--bind', 'provisioner@corp.example'])).code, 0);
      await refused(['--bind', 'alice@corp.example'], 2, /no Kerberos ticket for "alice@CORP\.EXAMPLE"/);
      await refused(['--bind', 'CORP\\alice'], 2, /"CORP\\alice" is no Kerberos principal/);
    });

    it('says that a server is not known by its IP address', () =>
      refused([], 3, /Kerberos knows no service "ldap\/127\.[\d.]+"/, {}, lab.url));

    it('says that the system has no Kerberos library', async () => {
      // the loader stops at the first file of the name that it looks for
      await writeFile(join(folder, 'libgssapi_krb5.so.2'), '');
      const hint = /^hint: install MIT Kerberos \(Debian: libgssapi-krb5-2/m;
      const outcome = await refused([], 2, /libgssapi_krb5\.so\.2 cannot be loaded/, { LD_LIBRARY_PATH: folder });
      assert.match(outcome.stderr, hint);
    });

    it('says that the ticket is not for this server', async () => {
      await moveServiceName(`CN=DC1,OU=Domain Controllers,${lab.baseDn}`, lab.accounts.alice.dn);
      try {
        await kinit('provisioner');
        await refused([], 3, /the server cannot read the Kerberos ticket/);
      } finally {
        await moveServiceName(lab.accounts.alice.dn, `CN=DC1,OU=Domain Controllers,${lab.baseDn}`);
        await kinit('provisioner');
      }
    });

    it('says that no KDC can be reached', async () => {
      const config = join(folder, 'elsewhere.conf');
      const text = await readFile(lab.krb5Config, 'utf8');
      // nobody listens on port 1
      await writeFile(config, text.replace(/^ *kdc = .*$/m, `kdc = ${lab.ip}:1`));
      await kinit('provisioner');
      await refused([], 3, /no Kerberos server \(KDC\)/, { KRB5_CONFIG: config });
    });
  });

  describe('with a keytab', () => {
    it('registers, and makes the ticket itself', async () => {
      const keytab = await makeKeytab('provisioner');
      const outcome = await cli(register, { KRB5_CLIENT_KTNAME: keytab, KRB5CCNAME: 'MEMORY:' });
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.deepEqual(machinesOf(await readConsistentPair(lab, 'bob')), ['PC-1']);
    });

    it('says that the key is not the one of the account any more', async () => {
      const keytab = await makeKeytab('carol');
      await setPassword('carol', `Aa1-${crypto.randomUUID()}`);
      try {
        const env = { KRB5_CLIENT_KTNAME: keytab, KRB5CCNAME: 'MEMORY:' };
        await refused([], 3, /the key in the keytab is not the one/, env);
      } finally {
        await setPassword('carol', await readPassword(lab, 'carol'));
      }
    });

    it('says that the account is disabled', async () => {
      const keytab = await makeKeytab('disabled');
      const env = { KRB5_CLIENT_KTNAME: keytab, KRB5CCNAME: 'MEMORY:' };
      await refused([], 3, /disabled, expired or locked out/, env);
    });

    it('says that there is no keytab', () =>
      refused([], 2, /no Kerberos ticket|keytab/, { KRB5_CLIENT_KTNAME: '/nonexistent', KRB5CCNAME: 'MEMORY:' }));
  });

  it('says that there is no ticket', () =>
    refused([], 2, /there is no Kerberos ticket to bind with/, { KRB5CCNAME: 'FILE:/nonexistent' }));

  it('says that the ticket has expired', async () => {
    await kinit('provisioner', '-l', '1s');
    await untilExpired();
    await refused([], 3, /the Kerberos ticket has expired/);
  });

  it('says that the server takes no client certificates', async () => {
    const identity = ['--client-cert', join(lab.dir, 'dc1/tls.pem'), '--client-key', join(lab.dir, 'dc1/tls.key')];
    await refused(['--auth', 'external', ...identity], 3, /does not take client certificates \(SASL EXTERNAL\)/);
    await refused(['--auth', 'external'], 2, /needs a client certificate and its key/);
    await refused(identity, 2, /not asked to bind with it/);
    const [, certificate = '', , key = ''] = identity;
    await refused(
      ['--auth', 'external', '--client-cert', certificate, '--client-key', certificate],
      2,
      /no usable private key/,
    );
    await refused(['--auth', 'external', '--client-cert', lab.caFile, '--client-key', key], 2, /does not belong/);
  });

  async function refused(
    words: string[],
    code: number,
    says: RegExp,
    env: Record<string, string> = {},
    server?: string,
  ): Promise<Outcome> {
    const outcome = await cli([...register, ...words], env, server);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, says);
    assert.match(outcome.stderr, /^hint: /m);
    assert.deepEqual(await readConsistentPair(lab, 'bob'), []);
    return outcome;
  }

  /** The KDC makes tickets for a service with the key of the account that its name stands at. */
  async function moveServiceName(from: string, to: string): Promise<void> {
    const change = (dn: string, verb: string) =>
      `dn: ${dn}\nchangetype: modify\n${verb}: servicePrincipalName\nservicePrincipalName: ldap/${lab.host}\n-\n`;
    await ldapModify(lab, `${change(from, 'delete')}\n${change(to, 'add')}`);
  }

  /** klist -s fails once the tickets in the cache have expired. */
  async function untilExpired(): Promise<void> {
    const valid = () =>
      runProgram(['klist', '-s'], kerberos()).then(
        () => true,
        () => false,
      );
    while (await valid()) await pause(100);
  }

  async function setPassword(name: AccountName, password: string): Promise<void> {
    const value = Buffer.from(`"${password}"`, 'utf16le').toString('base64');
    const dn = `dn: ${lab.accounts[name].dn}`;
    await ldapModify(lab, `${dn}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: ${value}\n-\n`);
  }
});
