import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Brings Node.js and writes down what it brought, as npm does; an optional package needs `headers` to install. */
const NPM = `#!/bin/sh
echo "npm $*" >&2
rm -rf node_modules; mkdir -p node_modules/.bin
ln -s "$REAL_NODE" node_modules/.bin/node
echo node > node_modules/.package-lock.json
[ -e headers ] || exit 0
echo native >> node_modules/.package-lock.json
mkdir node_modules/native
echo 'module.exports = {};' > node_modules/native/index.js
`;

describe('the set-up of the npm packages', () => {
  const demo = 'install_npm_packages';
  const test = `${demo}; require_optional_npm_packages`;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-setup-'));
    for (const name of ['scripts', 'bin']) await mkdir(join(folder, name));
    await copyFile(inProject('scripts/setup.sh'), join(folder, 'scripts/setup.sh'));
    await writeFile(join(folder, 'bin/npm'), NPM);
    await chmod(join(folder, 'bin/npm'), 0o755);
    await writeFile(join(folder, 'package.json'), '{"optionalDependencies":{"native":"1"}}');
    await writeFile(join(folder, 'package-lock.json'), '{}');
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Runs steps of the set-up; returns how often npm ran. */
  async function setUp(steps: string): Promise<number> {
    const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, REAL_NODE: process.execPath };
    const script = `set -euo pipefail; source ${join(folder, 'scripts/setup.sh')}; ${steps}`;
    const { stderr } = await execFileAsync('bash', ['-c', script], { env });
    return stderr.match(/^npm ci /gm)?.length ?? 0;
  }

  it('installs once, and again when the lock file changes', async () => {
    assert.equal(await setUp(demo), 1);
    assert.equal(await setUp(demo), 0);
    await writeFile(join(folder, 'package-lock.json'), '{"lockfileVersion":3}');
    assert.equal(await setUp(demo), 1);
  });

  it('brings for the tests what npm left out for the demo', async () => {
    assert.equal(await setUp(demo), 1);
    await writeFile(join(folder, 'headers'), '');
    assert.equal(await setUp(test), 1);
    assert.equal(await setUp(test), 0);
    assert.equal(await setUp(demo), 0);
  });

  it('fails before the tests and names what npm leaves out', async () => {
    await assert.rejects(setUp(test), { code: 1, stderr: /^native does not load: .*\nThe tests need/m });
  });

  it('installs again when npm changed what it had installed', async () => {
    await setUp(demo);
    await writeFile(join(folder, 'node_modules/.package-lock.json'), 'less');
    assert.equal(await setUp(demo), 1);
  });

  it('installs again after an installation that was cut short', async () => {
    await setUp(demo);
    await rm(join(folder, 'node_modules/.bin/node'));
    assert.equal(await setUp(demo), 1);
  });
});

interface Locked {
  packages: Record<string, { dependencies?: Names; optionalDependencies?: Names }>;
}
type Names = Record<string, string>;

describe('package-lock.json', () => {
  it('names every package that another one asks for, of other platforms too', async () => {
    const { packages }: Locked = JSON.parse(await readFile(inProject('package-lock.json'), 'utf8'));
    const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !placesOf(name, path).some((place) => place in packages))
        .map((name) => `${name}, asked for by ${path}`),
    );
    assert.deepEqual(missing, []);
  });
});

/** Where Node.js looks for a package that is asked for in `path`, a path such as node_modules/a/node_modules/b. */
function placesOf(name: string, path: string): string[] {
  const parents = path === '' ? [] : path.split(/\/(?=node_modules\/)/);
  return [...parents.keys(), parents.length].map((depth) =>
    [...parents.slice(0, depth), `node_modules/${name}`].join('/'),
  );
}
