import assert from 'node:assert/strict';
import { verify, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome } from '../cli/msmq-cert.ts';
import { mutation, reaching, readConsistentPair } from './command-line.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { startWindows, type Windows } from './windows.ts';

const MACHINE = 'CORP';

describe('the key where MSMQ signs, under Wine', () => {
  let windows: Windows;
  let lab: Lab;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    windows = await startWindows({ domain: 'CORP', user: 'alice' });
    lab = await startLab();
    await copyFile(lab.caFile, join(windows.folder, 'ca.pem'));
    await copyFile(lab.accounts.alice.passwordFile, join(windows.folder, 'password'));
  });
  after(async () => {
    await windows?.remove();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  const asAlice = () => {
    const { bind } = lab.accounts.alice;
    return ['--directory', lab.url, '--ca-file', 'ca.pem', '--bind', bind, '--password-file', 'password'];
  };

  async function succeed(...words: string[]): Promise<Outcome> {
    const outcome = await windows.run(words);
    assert.equal(outcome.code, 0, `${words.join(' ')}: ${outcome.stderr}`);
    return outcome;
  }

  async function refused(code: string, ...words: string[]): Promise<string> {
    const outcome = await windows.run(words);
    assert.notEqual(outcome.code, 0, outcome.stdout);
    assert.match(outcome.stderr, new RegExp(`error\\[${code}\\]`));
    assert.match(outcome.stderr, /hint: ./);
    return outcome.stderr;
  }

  interface Installed {
    digest: string;
    thumbprint: string;
    account: string | null;
    machine: string | null;
    provider: string;
    keySpec: string;
    signsSha512: boolean;
    exportable: boolean;
    registered: boolean | null;
  }

  async function installed(...words: string[]): Promise<Installed[]> {
    return JSON.parse((await succeed('installed', '--json', ...words)).stdout).certificates;
  }

  /** Registers on Linux and brings the PFX over. */
  async function delivered(machine: string, user = 'alice') {
    const out = join(windows.folder, `out-${machine}-${user}`);
    const { results, stderr } = await mutation([
      'register',
      user,
      '--machine',
      machine,
      '--out',
      out,
      ...reaching(lab),
    ]);
    const [{ digest = '', files } = {}] = results;
    assert.ok(digest && files, stderr);
    const pass = files.passphrase ?? '';
    await copyFile(files.pfx, join(windows.folder, `${digest}.pfx`));
    await copyFile(pass, join(windows.folder, `${digest}.pass`));
    return { digest, pfx: `${digest}.pfx`, pass: `${digest}.pass` };
  }

  it('installs, signs in a new process, lists both sides, and uninstalls', async () => {
    const { digest, pfx, pass } = await delivered(MACHINE);
    const [entry] = await readConsistentPair(lab, 'alice');
    const certificate = new X509Certificate(entry?.certificate ?? '');

    const first = JSON.parse((await succeed('install', pfx, '--json')).stdout);
    const thumbprint = certificate.fingerprint.replaceAll(':', '');
    assert.deepEqual(first, {
      schema: 1,
      command: 'install',
      dryRun: false,
      changed: true,
      digest,
      thumbprint,
      deleted: [],
    });

    const expected = { digest, thumbprint, account: 'CORP\\alice', machine: MACHINE, keySpec: 'AT_KEYEXCHANGE' };
    const provider = 'Microsoft Enhanced RSA and AES Cryptographic Provider';
    const found = { ...expected, provider, signsSha512: true, exportable: false };
    assert.deepEqual(await installed(), [{ ...found, registered: null }]);
    assert.deepEqual(await installed(...asAlice()), [{ ...found, registered: true }]);

    const { stdout } = await succeed('installed', '--digest', digest, '--sign', '00ff10', '--json');
    const signature = Buffer.from(JSON.parse(stdout).signature, 'base64');
    assert.ok(verify('sha512', Buffer.from('00ff10', 'hex'), certificate.publicKey, signature));

    const again = JSON.parse((await succeed('install', pfx, '--delete', '--json')).stdout);
    assert.equal(again.changed, false);
    assert.deepEqual(again.deleted, [pfx, pass]);
    assert.equal(existsSync(join(windows.folder, pfx)) || existsSync(join(windows.folder, pass)), false);

    const explain = ['explain', 'alice', '--machine', MACHINE, '--local', ...asAlice()];
    assert.match(
      (await succeed(...explain)).stdout,
      new RegExp(`ok +both sides +${digest} is registered, and its key signs`),
    );

    await resetUser(lab, 'alice');
    assert.deepEqual(await installed(...asAlice()), [{ ...found, registered: false }]);
    const explained = await windows.run(explain);
    assert.equal(explained.code, 1, explained.stderr);
    assert.match(explained.stdout, new RegExp(`failed +both sides +${digest} is installed here and not registered`));
    await succeed('uninstall', '--digest', digest);
    assert.deepEqual(await installed(), []);
    await refused('digest-not-found', 'uninstall', '--digest', digest);
  });

  it('makes a key that stays, whose certificate a manifest registers', async () => {
    const words = ['request', '--out', 'own.cer', '--json'];
    const first = JSON.parse((await succeed(...words)).stdout);
    assert.equal(first.changed, true);
    const own = await readFile(join(windows.folder, 'own.cer'));
    assert.ok(new X509Certificate(own).verify(new X509Certificate(own).publicKey));
    assert.deepEqual({ ...JSON.parse((await succeed(...words)).stdout) }, { ...first, changed: false });

    const manifest = join(windows.folder, 'requested.csv');
    await writeFile(manifest, `user,machine,certificate\nCORP\\alice,${MACHINE},own.cer\n`);
    const { code, stderr } = await mutation([
      'register',
      '--manifest',
      manifest,
      '--out',
      join(windows.folder, 'requested'),
      ...reaching(lab),
    ]);
    assert.equal(code, 0, stderr);
    const [entry] = await readConsistentPair(lab, 'alice');
    assert.deepEqual(entry?.certificate, own);

    const [there] = await installed(...asAlice());
    assert.deepEqual(there, {
      digest: first.digest,
      thumbprint: first.thumbprint,
      account: 'CORP\\alice',
      machine: MACHINE,
      provider: 'Microsoft Enhanced RSA and AES Cryptographic Provider',
      keySpec: 'AT_KEYEXCHANGE',
      signsSha512: true,
      exportable: false,
      registered: true,
    });
    const signed = await succeed('installed', '--digest', first.digest, '--sign', 'abcd', '--json');
    const signature = Buffer.from(JSON.parse(signed.stdout).signature, 'base64');
    assert.ok(verify('sha512', Buffer.from('abcd', 'hex'), new X509Certificate(own).publicKey, signature));
    await succeed('uninstall', '--digest', first.digest);
  });

  it('makes no key when its certificate cannot be written', async () => {
    await writeFile(join(windows.folder, 'taken.cer'), 'of somebody else');
    await refused('file-exists', 'request', '--out', 'taken.cer');
    await refused('wrong-owner', 'request', '--machine', 'PC-1');
    assert.deepEqual(await installed(), []);
    assert.equal(await readFile(join(windows.folder, 'taken.cer'), 'utf8'), 'of somebody else');
  });

  it('lets a key be exported only when that was asked for', async () => {
    const { digest, pfx } = await delivered(MACHINE);
    await succeed('install', pfx, '--exportable');
    assert.deepEqual(
      (await installed()).map(({ exportable }) => exportable),
      [true],
    );
    await succeed('uninstall', '--digest', digest);
  });

  it('refuses what is not for this account and machine, or cannot be opened, and keeps the files', async () => {
    const elsewhere = await delivered('PC-1');
    assert.match(await refused('wrong-owner', 'install', elsewhere.pfx, '--delete'), /PC-1/);
    const here = await delivered(MACHINE);
    await writeFile(join(windows.folder, 'wrong'), 'not the passphrase\n');
    await refused('wrong-passphrase', 'install', here.pfx, '--passphrase-file', 'wrong', '--delete');
    const bytes = await readFile(join(windows.folder, here.pfx));
    await writeFile(join(windows.folder, 'short.pfx'), bytes.subarray(0, 700));
    await refused('invalid-pfx', 'install', 'short.pfx', '--passphrase-file', here.pass, '--delete');
    for (const file of [elsewhere.pfx, elsewhere.pass, here.pfx, here.pass, 'short.pfx', 'wrong'])
      assert.ok(existsSync(join(windows.folder, file)), file);
    assert.deepEqual(await installed(), []);
  });

  it('checks this machine and this account', async () => {
    const checks = async () => {
      const { stdout } = await succeed('check', '--local', '--json');
      const found: { name: string; status: string }[] = JSON.parse(stdout).checks;
      return found.map(({ name, status }) => `${name} ${status}`);
    };
    const account = ['session ok', 'profile ok', 'keys ok'];
    assert.deepEqual(await checks(), [...account, 'msmq-service warning']);

    // what MSMQ would have in the registry, as a service that does not run
    const service = 'HKLM\\System\\CurrentControlSet\\Services\\MSMQ';
    const parameters = 'HKLM\\Software\\Microsoft\\MSMQ\\Parameters';
    const setUp = async (values: readonly (readonly string[])[]) => {
      const { code, stderr } = await windows.runNode(`
        import { spawnSync } from 'node:child_process';
        for (const [key, name, type, value] of ${JSON.stringify(values)}) {
          const words = ['add', key, '/v', name, '/t', type, '/d', value, '/f'];
          process.exitCode ||= spawnSync('reg', words, { stdio: 'ignore' }).status;
        }
      `);
      assert.equal(code, 0, stderr);
    };
    const values = [
      [service, 'ImagePath', 'REG_SZ', 'C:\\windows\\system32\\mqsvc.exe'],
      [service, 'Type', 'REG_DWORD', '16'],
      [service, 'Start', 'REG_DWORD', '3'],
      [service, 'ErrorControl', 'REG_DWORD', '1'],
    ];
    await setUp(values);
    const local = async () => {
      const outcome = await windows.run(['check', '--local', '--json']);
      const found: { name: string; status: string }[] = JSON.parse(outcome.stdout).checks;
      assert.equal(outcome.code, 1, outcome.stderr);
      return found.map(({ name, status }) => `${name} ${status}`);
    };
    // without the values that reports tell of
    assert.deepEqual(await local(), [
      ...[...account, 'msmq-service failed', 'domain-mode ok', 'weak-hashes ok', 'storage warning'],
    ]);
    await setUp([
      [parameters, 'Workgroup', 'REG_DWORD', '1'],
      [`${parameters}\\Security`, 'WeakHashAlgorithms', 'REG_DWORD', '1'],
    ]);
    const msmq = ['msmq-service failed', 'domain-mode failed', 'weak-hashes warning', 'storage warning'];
    assert.deepEqual(await local(), [...account, ...msmq]);
  });
});
