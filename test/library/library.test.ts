import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const tool = (name: string) => join(root, 'node_modules/.bin', name);

/** The first example in TypeScript of the README. */
function example(): string {
  const [, code] = /```ts\n(.*?)```/s.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  assert.ok(code !== undefined);
  return code;
}

describe('The package', () => {
  let folder: string;
  let packed: string[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-library-'));
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: root,
      maxBuffer: 1 << 24,
    });
    const [{ filename, files }] = JSON.parse(stdout);
    packed = files.map(({ path }: { path: string }) => path);
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    }
    await run('tar', ['-xzf', filename], { cwd: folder });
    cpSync(join(folder, 'package'), join(modules, 'msmq-cert'), { recursive: true });
    cpSync(join(root, 'test/fixtures/demo.ldif'), join(folder, 'users.ldif'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('has what users need, and nothing of what is inside', () => {
    for (const needed of [
      'README.md',
      'CHANGELOG.md',
      'LICENSE',
      'SECURITY.md',
      'docs/findings.md',
      'dist/index.d.ts',
    ]) {
      assert.ok(packed.includes(needed), needed);
    }
    const strange = packed.filter((path) => !/^(dist|docs)\/|^(package\.json|[A-Z]+\.md|LICENSE)$/.test(path));
    assert.deepEqual(strange, []);
    assert.ok(!packed.some((path) => /\.map$|^docs\/api\//.test(path)));
  });

  it('is typed without holes: the example of the README compiles, libraries checked too', async () => {
    writeFileSync(join(folder, 'example.ts'), example());
    const options = ['--strict', '--skipLibCheck', 'false', '--target', 'es2023', '--lib', 'esnext', '--types', 'node'];
    const { stdout } = await run(
      process.execPath,
      [tool('tsc'), ...options, '--module', 'nodenext', '--preserveSymlinks', 'example.ts'],
      { cwd: folder },
    ).catch((error) => error);
    assert.equal(stdout, '');
  });

  it('does what the example says', async () => {
    const { stdout, stderr } = await run(process.execPath, ['example.js'], { cwd: folder });
    assert.equal(stderr, '');
    const lines = stdout
      .replaceAll(/[0-9a-f]{32}/g, '<digest>')
      .trim()
      .split('\n');
    assert.deepEqual(lines.slice(0, -1).sort(), [
      "CORP\\alice [ 'add', 'add' ]",
      'PC-1 added <digest> msmq-certs/CORP_alice/PC-1/<digest>.pfx',
      'PC-2 added <digest> msmq-certs/CORP_alice/PC-2/<digest>.pfx',
    ]);
    assert.match(lines.at(-1) ?? '', /^2 added; msmq-cert undo msmq-certs\/journal\/\S+-register-\S+\.ndjson$/);
  });

  it('runs as a command from where it is installed', async () => {
    const command = [
      join(folder, 'node_modules/msmq-cert/dist/cli/main.js'),
      'list',
      'alice',
      '--directory',
      'ldif:users.ldif',
    ];
    const { stdout } = await run(process.execPath, command, { cwd: folder });
    assert.match(stdout, /^CORP\\alice {2}2 certificates, /);
  });
});
