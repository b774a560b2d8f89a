import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { mutation, reaching } from './command-line.ts';
import { filesBelow, holding, tracingWrites, written } from './file-writes.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { startWindows, type Windows } from './windows.ts';
import { exportKey } from './windows-keys.ts';

const MACHINE = 'CORP';

describe('what a key leaves on the disk of its machine, under Wine', () => {
  let windows: Windows;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    windows = await startWindows({ domain: MACHINE, user: 'alice' });
  });
  after(async () => {
    await windows?.remove();
  });

  const registry = async () => await readFile(join(windows.folder, '.wine/user.reg'), 'utf8');
  const containers = async () => [...new Set((await registry()).match(/msmq-cert-[0-9a-f-]{32,36}/g))];

  /**
   * With Wine's own way to keep keys: in its registry, encrypted by its CryptProtectData, which stands in for that of
   * Windows. The key can be exported so that the test can know it.
   */
  it('is no private key that can be read, when it was made in place', () =>
    withFolder(async (folder) => {
      const [making, exporting] = [join(folder, 'making'), join(folder, 'exporting')];
      const words = ['request', '--out', 'own.cer', '--exportable', '--key-size', '2048', '--json'];
      const { code, stderr } = await windows.run(words, { under: tracingWrites(making) });
      assert.equal(code, 0, stderr);
      const [container = ''] = await containers();
      await exportKey(windows, container, 'exported', { under: tracingWrites(exporting) });

      const blob = await readFile(join(windows.folder, 'exported'));
      const { n = '' } = new X509Certificate(await readFile(join(windows.folder, 'own.cer'))).publicKey.export({
        format: 'jwk',
      });
      const modulus = Buffer.from(n, 'base64url');
      assert.deepEqual(Buffer.from(blob.subarray(20, 276)).reverse(), modulus);
      // the first prime, as CryptoAPI has it and as everybody else has it
      const prime = blob.subarray(276, 340);
      const secrets = [prime, Buffer.from(prime).reverse()];

      const searched = {
        made: await written(making),
        exported: await written(exporting),
        disk: await filesBelow(windows.folder),
      };
      const ends = (found: string[]) => found.map((path) => path.split('/').at(-1)).sort();
      assert.deepEqual(ends(holding(searched.made, secrets)), []);
      assert.deepEqual(ends(holding(searched.exported, secrets)), ['exported']);
      assert.deepEqual(ends(holding(searched.disk, secrets)), ['exported']);
      // the search sees what is in the registry: the certificate is there
      assert.ok(ends(holding(searched.disk, [modulus])).includes('user.reg'));
      assert.ok(holding(searched.made, [modulus]).length > 1);
      await windows.run(['uninstall', '--digest', digestOf(await readFile(join(windows.folder, 'own.cer')))]);
      assert.deepEqual(await containers(), []);
    })).timeout(300_000);

  describe('where no new process can sign', () => {
    let lab: Lab;
    let pfx: string;
    before(async () => {
      lab = await startLab();
      const out = join(windows.folder, 'out');
      const { results } = await mutation(['register', 'alice', '--machine', MACHINE, '--out', out, ...reaching(lab)]);
      const files = results[0]?.files;
      assert.ok(files?.passphrase);
      pfx = 'alice.pfx';
      await copyFile(files.pfx, join(windows.folder, pfx));
      await copyFile(files.passphrase, join(windows.folder, 'alice.pass'));
      await resetUser(lab, 'alice');
    });

    const ends = {
      'says nothing': 'process.exit(3)',
      'signs with another key': "console.log(JSON.stringify({ signature: 'AAAA' })); process.exit(0)",
    };
    for (const [what, does] of Object.entries(ends)) {
      for (const command of ['request', 'install']) {
        it(`is nothing, when it ${what}: ${command}`, async () => {
          await writeFile(join(windows.folder, 'first.cjs'), `if (process.argv.includes('--sign')) { ${does} }`);
          const words = { request: ['request', '--out', 'none.cer'], install: ['install', pfx, '--delete'] }[command];
          const env = { NODE_OPTIONS: '--require=./first.cjs' };
          const { code, stderr } = await windows.run(words ?? [], { env });
          assert.equal(code, 1, stderr);
          assert.match(stderr, /error\[signature-failed\]/);
          assert.deepEqual(await containers(), []);
          assert.equal((await windows.run(['installed'])).stdout, 'nothing is installed\n');
          const there = ['none.cer', pfx, 'alice.pass'].map((name) => existsSync(join(windows.folder, name)));
          assert.deepEqual(there, [false, true, true]);
        });
      }
    }
  });
});

function digestOf(certificate: Buffer): string {
  return createHash('md5').update(certificate).digest('hex');
}
