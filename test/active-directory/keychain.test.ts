import assert from 'node:assert/strict';
import { type Invocation, type Outcome, runMsmqCert } from '../cli/msmq-cert.ts';
import { type KeychainSession, startKeychain } from './keychain-session.ts';
import { type Lab, readPassword, startLab } from './lab.ts';

describe('the keychain', () => {
  let lab: Lab;
  let session: KeychainSession;
  before(async () => {
    lab = await startLab();
    session = await startKeychain();
  });
  after(async () => {
    await session.close();
  });

  const to = (bind: string) => ['--directory', lab.url, '--ca-file', lab.caFile, '--bind', bind];
  const provisioner = 'CORP\\provisioner';

  async function inSession(words: string[], invocation: Invocation = {}): Promise<Outcome> {
    const outcome = await runMsmqCert(words, { ...invocation, env: { ...session.env, ...invocation.env } });
    const secret = await readPassword(lab, 'provisioner');
    assert.ok(!`${outcome.stdout}${outcome.stderr}`.includes(secret), 'the password is printed');
    return outcome;
  }

  async function whoami(bind = provisioner, env: Record<string, string> = {}): Promise<Outcome> {
    return await inSession(['whoami', '--json', ...to(bind)], { env });
  }

  async function login(): Promise<void> {
    const input = `${await readPassword(lab, 'provisioner')}\n`;
    const outcome = await inSession(['login', '--password-stdin', ...to(provisioner)], { input });
    assert.equal(outcome.code, 0, outcome.stderr);
  }

  async function logout(): Promise<boolean> {
    const outcome = await inSession(['logout', '--json', ...to(provisioner)]);
    assert.equal(outcome.code, 0, outcome.stderr);
    return JSON.parse(outcome.stdout).removed;
  }

  afterEach(async () => {
    await logout();
  });

  it('keeps a password from login to logout', async () => {
    const before = await whoami();
    assert.equal(before.code, 2);
    assert.match(before.stderr, /there is no password for CORP\\provisioner\n.*or store it with msmq-cert login$/m);

    await login();
    const known = await whoami();
    assert.equal(known.code, 0, known.stderr);
    const { account, sid, server, passwordFrom } = JSON.parse(known.stdout);
    assert.deepEqual([account, server, passwordFrom], [provisioner, `${lab.url}:636`, 'keychain']);
    assert.match(sid, /^S-1-5-21-/);
    const listed = await inSession(['list', 'alice', ...to(provisioner)]);
    assert.equal(listed.code, 0, listed.stderr);

    assert.equal(await logout(), true);
    assert.equal((await whoami()).code, 2);
    assert.equal(await logout(), false);
  });

  it('does not keep a password that the directory refuses', async () => {
    const { passwordFile } = lab.accounts.alice;
    const refused = await inSession(['login', '--password-file', passwordFile, ...to(provisioner)]);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /^error\[bind-refused\]/);
    assert.equal((await whoami()).code, 2);
  });

  it('keeps it for this name and this directory, in whatever case they are written', async () => {
    await login();
    assert.equal((await whoami('corp\\PROVISIONER')).code, 0);
    assert.equal((await whoami('CORP\\alice')).code, 2);
    const elsewhere = ['--directory', lab.startTlsUrl, '--ca-file', lab.caFile, '--bind', provisioner];
    assert.equal((await inSession(['whoami', ...elsewhere])).code, 2);
  });

  it('comes after every other source', async () => {
    await login();
    const wrong = await whoami(provisioner, { MSMQ_CERT_PASSWORD: 'not the password' });
    assert.equal(wrong.code, 3);
    const right = await whoami(provisioner, { MSMQ_CERT_PASSWORD: await readPassword(lab, 'provisioner') });
    assert.equal(JSON.parse(right.stdout).passwordFrom, 'environment');
  });

  it('names the other ways where there is none', async () => {
    const { passwordFile } = lab.accounts.provisioner;
    const without = { env: { DBUS_SESSION_BUS_ADDRESS: '' } };
    const login = await inSession(['login', '--password-file', passwordFile, ...to(provisioner)], without);
    assert.equal(login.code, 2);
    assert.match(login.stderr, /^error\[not-available\]/);
    assert.match(login.stderr, /^hint: .*--password-file, --password-stdin, MSMQ_CERT_PASSWORD/m);
    const whoami = await inSession(['whoami', ...to(provisioner)], without);
    assert.equal(whoami.code, 2);
    assert.match(whoami.stderr, /^error\[credentials-missing\]/);
    assert.match(whoami.stderr, /^hint: .*--password-file, --password-stdin or MSMQ_CERT_PASSWORD/m);
  });

  it('has nothing to do with ways to bind that need no password', async () => {
    const outcome = await inSession(['login', '--auth', 'kerberos', ...to(provisioner)]);
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /--auth kerberos needs no password/);
  });
});
