import assert from 'node:assert/strict';
import { createPrivateKey, verify, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPfx } from '../../src/certificate/pkcs12/reader.ts';
import { makeRecipient, opened, type RecipientFiles } from '../certificate/sealing/support.ts';
import { openssl } from '../certificate/support.ts';
import type { Outcome } from '../cli/msmq-cert.ts';
import { mutation, reaching, readConsistentPair } from './command-line.ts';
import { filesBelow, holding, tracingWrites, written } from './file-writes.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { startWindows, type Windows } from './windows.ts';
import { type KeyHome, putKey } from './windows-keys.ts';

const MACHINE = 'CORP';

describe('a sealed PFX, made on Linux and opened where MSMQ signs, under Wine', () => {
  let windows: Windows;
  let lab: Lab;
  /** The folder of Linux. */
  let made: string;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));
  beforeEach(async function () {
    this.timeout(600_000);
    made = await mkdtemp(join(tmpdir(), 'msmq-cert-sealed-'));
    windows = await startWindows({ domain: 'CORP', user: 'alice' });
  });
  afterEach(async () => {
    await windows?.remove();
    await rm(made, { recursive: true });
  });

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

  interface Delivered {
    digest: string;
    recipient: RecipientFiles;
    pfx: string;
    pass: string;
    /** What nobody but the recipient may read. */
    secrets: Buffer[];
  }

  /** Registers on Linux, outside the folder of Windows, and brings the sealed files over. */
  async function delivered(...more: string[]): Promise<Delivered> {
    const recipient = await makeRecipient(made);
    const words = ['register', 'alice', '--machine', MACHINE, '--out', join(made, 'out')];
    const sealing = ['--seal-to', recipient.certificate, ...more];
    const { results, stderr } = await mutation([...words, ...sealing, ...reaching(lab)]);
    const [{ digest = '', files } = {}] = results;
    assert.ok(digest && files?.passphrase, stderr);
    const [pfx, pass] = [`${digest}.pfx.p7m`, `${digest}.pass.p7m`];
    await copyFile(files.pfx, join(windows.folder, pfx));
    await copyFile(files.passphrase, join(windows.folder, pass));
    const open = (file: string) => opened(file, recipient.certificate, recipient.key);
    const [passphrase, container] = [await open(files.passphrase), await open(files.pfx)];
    const prime = await primeIn(container, passphrase.toString().trim());
    const secrets = [passphrase.subarray(0, 20), container.subarray(100, 164), prime, Buffer.from(prime).reverse()];
    return { digest, recipient, pfx, pass, secrets };
  }

  /** A prime of the private key, and so the key. */
  async function primeIn(pfx: Buffer, passphrase: string): Promise<Buffer> {
    const [der] = openPfx(pfx, passphrase).privateKeys;
    assert.ok(der);
    const { p = '' } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    return Buffer.from(p, 'base64url');
  }

  async function assertSigns(digest: string): Promise<void> {
    const [entry] = await readConsistentPair(lab, 'alice');
    assert.equal(entry?.digest, digest);
    const { stdout } = await succeed('installed', '--digest', digest, '--sign', '00ff10', '--json');
    const signature = Buffer.from(JSON.parse(stdout).signature, 'base64');
    const { publicKey } = new X509Certificate(entry.certificate);
    assert.ok(verify('sha512', Buffer.from('00ff10', 'hex'), publicKey, signature));
  }

  const ways: [padding: 'oaep' | 'pkcs1', home: KeyHome][] = [
    ['oaep', 'user'],
    ['pkcs1', 'user'],
    ['oaep', 'machine'],
  ];
  for (const [padding, home] of ways) {
    it(`signs in a new process, when it was sealed with ${padding} to a key in the store of the ${home}`, async () => {
      const { digest, recipient, pfx, pass, secrets } = await delivered('--seal-padding', padding);
      await putKey(windows, recipient, home);
      const trace = join(made, 'trace');
      const words = ['install', pfx, '--delete', '--json'];
      const { code, stdout, stderr } = await windows.run(words, { under: tracingWrites(trace) });
      assert.equal(code, 0, stderr);
      const { deleted, changed } = JSON.parse(stdout);
      assert.deepEqual([changed, deleted], [true, [pfx, pass]]);
      assert.equal(existsSync(join(windows.folder, pfx)) || existsSync(join(windows.folder, pass)), false);
      await assertSigns(digest);
      const writes = await written(trace);
      assert.deepEqual(holding(writes, secrets), []);
      // what would be found: the certificate is in the registry, and the key on the disk once it is opened
      const [entry] = await readConsistentPair(lab, 'alice');
      assert.ok(entry && holding(writes, [entry.certificate.subarray(100, 164)]).length > 0);
      assert.deepEqual(holding(await filesBelow(windows.folder), secrets), []);
      await writeFile(join(made, 'control'), Buffer.concat(secrets));
      assert.deepEqual(holding(await filesBelow(made), secrets), [join(made, 'control')]);
    });
  }

  it('is refused, with its files left, when the key that opens it is not at hand or does not open it', async () => {
    const { digest, recipient, pfx, pass } = await delivered();
    const serial = await openssl('x509', '-inform', 'DER', '-in', recipient.certificate, '-noout', '-serial');
    const missing = await refused('recipient-key-missing', 'install', pfx, '--delete');
    assert.ok(missing.includes(`serial number ${serial.trim().replace('serial=', '')} of CN=vault`), missing);
    await putKey(windows, recipient, 'cng');
    assert.match(await refused('recipient-key-missing', 'install', pfx), /"Microsoft Software Key Storage Provider"/);

    await putKey(windows, recipient, 'machine');
    const bytes = await readFile(join(windows.folder, pfx));
    await writeFile(join(windows.folder, 'short.pfx.p7m'), bytes.subarray(0, 900));
    await refused('invalid-sealed', 'install', 'short.pfx.p7m', '--passphrase-file', pass, '--delete');
    // the content key of somebody else's message
    const wrong = Buffer.from(bytes);
    const at = bytes.indexOf(Buffer.from('04820100', 'hex'));
    assert.ok(at > 0);
    wrong.fill(0x11, at + 4, at + 4 + 256);
    await writeFile(join(windows.folder, 'wrong.pfx.p7m'), wrong);
    assert.match(
      await refused('key-store', 'install', 'wrong.pfx.p7m', '--passphrase-file', pass, '--delete'),
      /does not open wrong\.pfx\.p7m/,
    );
    await copyFile(join(windows.folder, pfx), join(windows.folder, 'alone.pfx.p7m'));
    assert.match(
      await refused('file-unreadable', 'install', 'alone.pfx.p7m', '--delete'),
      /there is no passphrase for alone\.pfx\.p7m: alone\.pass\.p7m is not there/,
    );
    const typed = [['Passphrase of alone.pfx.p7m:', 'geheim\r']] as const;
    const { code, said } = await windows.runInTerminal(['install', 'alone.pfx.p7m', '--delete'], typed);
    assert.equal(code, 2, said);
    assert.match(said, /error\[wrong-passphrase\]/);
    assert.equal(said.includes('geheim'), false);
    for (const file of [pfx, pass, 'short.pfx.p7m', 'wrong.pfx.p7m', 'alone.pfx.p7m'])
      assert.ok(existsSync(join(windows.folder, file)), file);
    const passphrase = (await opened(join(windows.folder, pass), recipient.certificate, recipient.key))
      .toString()
      .trim();
    const answered = await windows.runInTerminal(
      ['install', 'alone.pfx.p7m', '--quiet'],
      [['Passphrase of alone.pfx.p7m:', `${passphrase}\r`]],
    );
    assert.equal(answered.code, 0, answered.said);
    assert.equal(answered.said.includes(passphrase), false);
    await assertSigns(digest);
  }).timeout(300_000);
});
