import assert from 'node:assert/strict';
import { chmod, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));
const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };

async function inDemo<T>(
  task: (run: (...words: string[]) => ReturnType<typeof runMsmqCert>, cwd: string) => Promise<T>,
) {
  await withFolder(async (cwd) => {
    await cp(fixture, join(cwd, 'users.ldif'));
    await task((...words) => runMsmqCert(words, { cwd, env }), cwd);
  });
}

describe('What a command prints for programs', () => {
  const wrong = [
    ['bogus'],
    [],
    ['blob'],
    ['blob', 'bogus'],
    ['plan'],
    ['plan', 'bogus'],
    ['plan', 'register', '--bogus'],
    ['help', 'bogus'],
    ['list', '--timeout', 'soon'],
    ['list'],
    ['audit', '--fail-on', 'bogus'],
    ['list', 'alice', '--ndjson'],
    ['audit', '--ndjson'],
    ['register', 'alice', '--machine', 'PC-1', '--ndjson'],
    ['plan', 'register', 'alice', '--machine', 'PC-1', '--out', 'plan.json', '--ndjson'],
    ['register', 'alice', '--machine', 'PC-1', '--out', 'users.ldif'],
    ['keys', '--out', 'users.ldif'],
  ];
  for (const words of wrong) {
    it(`is one document with the error of: ${[...words, '--json'].join(' ')}`, () =>
      inDemo(async (run) => {
        const { code, stdout } = await run(...words, '--json');
        assert.equal(code, 2);
        assert.equal(JSON.parse(stdout).error.code, 'usage');
      }));
  }

  it('is one document where a plan cannot be saved', () =>
    inDemo(async (run) => {
      const { code, stdout } = await run(
        ...['plan', 'register', 'alice', '--machine', 'PC-1', '--out', 'users.ldif', '--json'],
      );
      assert.deepEqual([code, JSON.parse(stdout).error.code], [1, 'file-exists']);
    }));

  it('is one document where only the configuration file asks for it', () =>
    inDemo(async (run, cwd) => {
      await writeFile(join(cwd, 'config.json'), '{"json": true}');
      const { stdout } = await run('show', 'alice', '--digest', '0'.repeat(32), '--config', 'config.json');
      assert.equal(JSON.parse(stdout).error.code, 'digest-not-found');
    }));

  for (const words of [
    ['help', '--json'],
    ['help', 'plan', 'register', '--json'],
    ['prune', '--json', '--help'],
  ]) {
    it(`is one document with the text of: ${words.join(' ')}`, () =>
      inDemo(async (run) => {
        const { code, stdout } = await run(...words);
        assert.equal(code, 0);
        assert.match(JSON.parse(stdout).help, /^Usage: msmq-cert /);
      }));
  }

  for (const words of [['version'], ['--version'], ['-V']]) {
    it(`has the version: ${words.join(' ')}`, () =>
      inDemo(async (run) => {
        const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
        assert.equal((await run(...words)).stdout, `${version}\n`);
        assert.equal(JSON.parse((await run(...words, '--json')).stdout).version, version);
      }));
  }

  const summaries = [
    { words: ['audit', '--all'], lines: 5 },
    { words: ['list', 'alice', 'bob', 'nobody'], lines: 4 },
    { words: ['prune', 'bob', '--expired'], lines: 2 },
  ];
  for (const { words, lines } of summaries) {
    it(`ends with the summary: ${words.join(' ')} --ndjson`, () =>
      inDemo(async (run) => {
        const documents = linesOf((await run(...words, '--ndjson')).stdout);
        assert.equal(documents.length, lines);
        assert.deepEqual(
          documents.map((each) => 'summary' in each),
          documents.map((_each, index) => index === lines - 1),
        );
      }));
  }

  it('ends with the error where there is no summary', () =>
    inDemo(async (run) => {
      const { code, stdout } = await run('list', 'alice', '--ndjson', '--directory', 'ldif:none');
      assert.deepEqual([code, linesOf(stdout).map(({ error }) => error.code)], [2, ['file-unreadable']]);
    }));

  it('says in a dry run what would change', () =>
    inDemo(async (run) => {
      const facts = async (...words: string[]) => {
        const { changed, wouldChange } = JSON.parse((await run(...words, '--json')).stdout);
        return { changed, wouldChange };
      };
      const dry = ['--machine', 'PC-9', '--dry-run'];
      assert.deepEqual(await facts('register', 'alice', ...dry), { changed: false, wouldChange: true });
      assert.deepEqual(await facts('prune', 'alice', '--machine', 'PC-9', '--dry-run'), {
        changed: false,
        wouldChange: false,
      });
      assert.deepEqual(await facts('repair', 'alice'), { changed: false, wouldChange: undefined });
    }));
});

describe('The beginning of a digest', () => {
  const first = async (run: (...words: string[]) => ReturnType<typeof runMsmqCert>): Promise<string> => {
    const { users } = JSON.parse((await run('list', 'bob', '--json')).stdout);
    return users[0].certificates[0].digest;
  };

  it('stands for the digest with show and prune', () =>
    inDemo(async (run) => {
      const digest = await first(run);
      const shown = await run('show', 'bob', '--digest', digest.slice(0, 6), '--json');
      assert.equal(JSON.parse(shown.stdout).certificate.digest, digest);
      const pruned = await run('prune', 'bob', '--digest', digest.slice(0, 8).toUpperCase(), '--yes', '--json');
      assert.deepEqual(
        JSON.parse(pruned.stdout).results.map((each: { action: string; digest: string }) => [each.action, each.digest]),
        [['removed', digest]],
      );
    }));

  it('has six digits at least, and one user', () =>
    inDemo(async (run) => {
      const digest = await first(run);
      for (const words of [
        ['show', 'bob', '--digest', digest.slice(0, 5)],
        ['prune', 'bob', '--digest', 'notHex'],
        ['prune', 'bob', 'alice', '--digest', digest.slice(0, 6)],
      ]) {
        const { code, stderr } = await run(...words);
        assert.equal(code, 2);
        assert.match(stderr, /digest/);
      }
    }));
});

describe('What a file is warned of or refused for', () => {
  it('a password that others can read', () =>
    inDemo(async (run, cwd) => {
      const reach = ['--directory', 'ldaps://127.0.0.1:9', '--bind', 'CORP\\x', '--password-file', 'pw'];
      await writeFile(join(cwd, 'pw'), 'secret\n');
      for (const [mode, warned] of [
        [0o600, false],
        [0o640, true],
        [0o604, true],
      ] as const) {
        await chmod(join(cwd, 'pw'), mode);
        const { stderr } = await run('list', 'alice', ...reach);
        assert.equal(/^warning: others can read pw; chmod 600 pw/m.test(stderr), warned);
        assert.doesNotMatch(stderr, /secret/);
      }
      assert.doesNotMatch((await run('list', 'alice', '--quiet', ...reach)).stderr, /warning/);
    }));

  it('a folder that takes none ends the run at once', () =>
    inDemo(async (run) => {
      if (process.platform !== 'linux') return;
      const { code, stderr } = await run('register', 'alice', '--machine', 'PC-1', '--out', '/proc/x');
      assert.equal(code, 1);
      assert.match(stderr, /^error\[file-unwritable\].*\/proc\/x/);
    }));

  it('clear --ldif warns of no receivers, for nothing is removed', () =>
    inDemo(async (run) => {
      assert.doesNotMatch((await run('clear', 'bob', '--ldif', 'change.ldif')).stderr, /21 minutes/);
      assert.match((await run('clear', 'bob', '--yes')).stderr, /21 minutes/);
    }));

  it('nothing to do is not said of a machine', () =>
    inDemo(async (run) => {
      assert.match((await run('repair', 'alice')).stdout, /^ {2}unchanged {2}nothing to do$/m);
    }));
});

function linesOf(stdout: string) {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
