import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolder } from '../certificate/support.ts';
import { type Outcome, outcomeOf, startProgram } from '../cli/msmq-cert.ts';
import { runDemo } from './demo.ts';
import { built } from './packages.ts';

const execFileAsync = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the executable for Linux, without Node.js', () => {
  function inFolder(folder: string): (words: string[]) => Promise<Outcome> {
    return async (words) => {
      const env = { PATH: '/nonexistent', HOME: folder, MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
      return await outcomeOf(startProgram(built('msmq-cert'), words, { env, cwd: folder }));
    };
  }

  it('has the version of the package', () =>
    withFolder(async (folder) => {
      const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
      assert.equal((await inFolder(folder)(['--version'])).stdout, `${version}\n`);
    }));

  it('runs the demo', () => withFolder((folder) => runDemo(folder, inFolder(folder))));

  it('writes the HTML report', () =>
    withFolder(async (folder) => {
      await runDemo(folder, inFolder(folder));
      const { code, stderr } = await inFolder(folder)(['audit', '--html', 'audit.html']);
      assert.equal(code, 0, stderr);
      const script = await readFile(join(root, 'dist/report-page/page.js'), 'utf8');
      assert.ok((await readFile(join(folder, 'audit.html'), 'utf8')).includes(`<script>${script}</script>`));
    }));

  it('unpacks the keychain module for this account and loads it', () =>
    withFolder(async (folder) => {
      const login = ['login', '--bind', 'CORP\\ann', '--directory', 'ldaps://dc1.corp.example', '--password-stdin'];
      const { stderr } = await outcomeOf(
        startProgram(built('msmq-cert'), login, { env: { HOME: folder }, cwd: folder, input: 'x\n' }),
      );
      // there is no session bus: the module has been loaded and says so
      assert.match(stderr, /^error\[not-available\]: the keychain of this system does not answer/m);
      const unpacked = await readdir(join(folder, '.cache/msmq-cert'), { recursive: true });
      assert.ok(unpacked.some((path) => path.endsWith('/keytar.node')));
    }));
});

describe('the packages', () => {
  it('come out the same from a second build in another folder', async function () {
    this.timeout(300_000);
    await withFolder(async (folder) => {
      await execFileAsync(join(root, 'scripts/package'), [join(folder, 'elsewhere')]);
      const sums = await readFile(join(folder, 'elsewhere/SHA256SUMS'), 'utf8');
      assert.equal(sums, await readFile(built('SHA256SUMS'), 'utf8'));
    });
  });

  it('are what SHA256SUMS says', async () => {
    await execFileAsync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: join(built('SHA256SUMS'), '..') });
  });

  const unpacking = { 'linux-x64.tar.gz': ['tar', '-xzf'], 'windows-x64.zip': ['unzip', '-q'] };
  for (const [name, [program = '', option = '']] of Object.entries(unpacking)) {
    it(`hold the executable, what is in it, and the licence of each part: ${name}`, () =>
      withFolder(async (folder) => {
        await execFileAsync(program, [option, await archiveOf(name)], { cwd: folder });
        const [top = ''] = await readdir(folder);
        const files = await readdir(join(folder, top));
        const executable = name.startsWith('linux') ? 'msmq-cert' : 'msmq-cert.exe';
        for (const file of [executable, 'README.md', 'LICENSE', 'msmq-cert.cdx.json'])
          assert.ok(files.includes(file), file);

        const bom = JSON.parse(await readFile(join(folder, top, 'msmq-cert.cdx.json'), 'utf8'));
        assert.equal(bom.bomFormat, 'CycloneDX');
        const parts = (bom.components as { name: string }[]).map((component) => component.name);
        for (const part of ['node', 'koffi', 'keytar', 'ldapts', 'node-forge', 'zod'])
          assert.ok(parts.includes(part), part);
        assert.equal((await readdir(join(folder, top, 'licences'))).length, parts.length);
      }));
  }

  async function archiveOf(end: string): Promise<string> {
    const sums = await readFile(built('SHA256SUMS'), 'utf8');
    const line = sums.split('\n').find((each) => each.endsWith(end));
    assert.ok(line);
    return built(line.slice(66));
  }
});
