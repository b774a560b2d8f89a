import assert from 'node:assert/strict';
import { chmod, cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));
const DAY_MS = 86_400_000;
const replace = ['replace', 'bob'];

describe('a run that was cut short', () => {
  const withRun = (work: (folder: string, journal: string) => Promise<void>) => () =>
    withFolder(async (folder) => {
      await cp(fixture, join(folder, 'users.ldif'));
      assert.equal((await run(folder, replace)).code, 0);
      const [journal = ''] = await journals(folder);
      await work(folder, journal);
    });

  async function run(cwd: string, words: string[]) {
    const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
    const outcome = await runMsmqCert([...words, '--json'], { cwd, env });
    return { ...outcome, json: outcome.stdout === '' ? {} : JSON.parse(outcome.stdout) };
  }

  async function journals(folder: string): Promise<string[]> {
    const names = await readdir(join(folder, 'msmq-certs', 'journal'));
    return names.filter((name) => name.endsWith('.ndjson')).map((name) => join('msmq-certs', 'journal', name));
  }

  /** Takes the last records from a journal, as if its run had been stopped before it wrote them. */
  async function cut(folder: string, journal: string, records = 1, beganAgoMs = 0): Promise<void> {
    const lines = (await readFile(join(folder, journal), 'utf8')).trimEnd().split('\n');
    const at = new Date(Date.now() - beganAgoMs).toISOString();
    const [first = '', ...rest] = lines.slice(0, -records);
    await writeFile(join(folder, journal), [first.replace(/"at":"[^"]*"/, `"at":"${at}"`), ...rest, ''].join('\n'));
    await writeFile(join(folder, `${journal}.free.alive`), '.');
  }

  it(
    'is gone on with by the same command, and what was done before is told as that',
    withRun(async (folder, journal) => {
      await cut(folder, journal);
      const { code, json, stderr } = await run(folder, [...replace, '--detailed-exitcode']);
      assert.equal(stderr, `going on with the run of ${journal}: 1 user was written before\n`);
      assert.deepEqual([code, json.changed], [0, false]);
      assert.deepEqual([json.summary.added, json.summary.removed, json.summary.doneBefore], [0, 0, 2]);
      assert.deepEqual(
        json.results.map((result: { action: string; doneBefore: boolean }) => [result.action, result.doneBefore]),
        [
          ['replaced', true],
          ['replaced', true],
        ],
      );
      assert.deepEqual(await journals(folder), [journal]);
    }),
  );

  it(
    'says so to people too',
    withRun(async (folder, journal) => {
      await cut(folder, journal);
      const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
      const { stdout } = await runMsmqCert(replace, { cwd: folder, env });
      assert.match(stdout, /replaced {2}PC-7 .*[.]pfx {2}done before\n/);
      assert.match(stdout, /\n1 user: 0 added, 0 removed, 0 unchanged, 0 failed, 2 done before\n/);
    }),
  );

  it(
    'is left alone when it began too long ago, and named',
    withRun(async (folder, journal) => {
      await cut(folder, journal, 1, 2 * DAY_MS);
      const { code, json, stderr } = await run(folder, replace);
      assert.match(
        stderr,
        new RegExp(`^a run of the same command was cut short .* msmq-cert resume ${journal} goes on`),
      );
      assert.deepEqual([code, json.changed, json.summary.added], [0, true, 2]);
      assert.equal((await journals(folder)).length, 2);

      const resumed = await run(folder, ['resume', journal, '--dry-run']);
      assert.equal(resumed.code, 0);
    }),
  );

  it(
    'is taken up when --resume-within reaches back so far, and never with --new-run',
    withRun(async (folder, journal) => {
      await cut(folder, journal, 1, 2 * DAY_MS);
      const anew = await run(folder, [...replace, '--new-run']);
      assert.deepEqual([anew.code, anew.stderr, anew.json.summary.added], [0, '', 2]);
      const taken = await run(folder, [...replace, '--resume-within', '3d']);
      assert.match(taken.stderr, /^going on with the run of /);
    }),
  );

  it(
    'is not registered again after it was undone, by no command',
    withRun(async (folder, journal) => {
      await cut(folder, journal);
      assert.equal((await run(folder, ['undo', journal])).code, 0);
      const users = await readFile(join(folder, 'users.ldif'));
      const resumed = await run(folder, ['resume', journal]);
      assert.deepEqual([resumed.code, resumed.json.changed, resumed.json.results], [0, false, []]);
      assert.equal(resumed.stderr, `the run of ${journal} was undone: there is nothing to do\n`);
      assert.deepEqual(await readFile(join(folder, 'users.ldif')), users);
      const again = await run(folder, replace);
      assert.deepEqual([again.stderr, again.json.summary.added, again.json.summary.doneBefore], ['', 2, undefined]);
    }),
  );

  it(
    'that came to its end leaves nothing to resume',
    withRun(async (folder, journal) => {
      const { code, json, stderr } = await run(folder, ['resume', journal, '--detailed-exitcode']);
      assert.deepEqual([code, json.changed, json.results], [0, false, []]);
      assert.equal(stderr, `the run of ${journal} has come to its end: there is nothing to do\n`);
    }),
  );

  it(
    'names a torn key file of its own, sets it aside and makes a new one',
    withRun(async (folder) => {
      const words = ['register', 'alice', '--machine', 'PC-1'];
      const { json } = await run(folder, words);
      const journal: string = json.journal;
      const { certificate, pfx } = json.results[0].files;
      // as if it had been killed before it was about to write: the intent, its outcome and the end are gone
      await cut(folder, journal, 3);
      await cp(fixture, join(folder, 'users.ldif'));
      await truncate(join(folder, certificate), 0);
      const again = await run(folder, words);
      assert.deepEqual([again.code, again.json.summary.added], [0, 1]);
      assert.notEqual(again.json.results[0].files.pfx, pfx);
      assert.match(
        again.stderr,
        new RegExp(`\n${certificate} is empty: the key set has the name ${certificate}[.].*set-aside now`),
      );
    }),
  );

  it(
    'is not looked for where others can write',
    withRun(async (folder, journal) => {
      await chmod(join(folder, 'msmq-certs'), 0o777);
      for (const words of [replace, ['resume', journal], ['undo', journal]]) {
        const { code, json } = await run(folder, words);
        assert.deepEqual([code, json.error.code], [4, 'untrusted-path']);
      }
      const { json } = await run(folder, [...replace, '--dry-run']);
      assert.equal(json.summary.added, 2, 'a dry run touches nothing there');
    }),
  );
});

describe('keys that somebody else planted', () => {
  it('serve nobody, and are named as what they are', () =>
    withFolder(async (folder) => {
      await cp(fixture, join(folder, 'users.ldif'));
      const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };
      const register = async (out: string) => {
        const words = ['register', 'alice', '--machine', 'PC-1', '--out', out, '--json'];
        return JSON.parse((await runMsmqCert(words, { cwd: folder, env })).stdout);
      };
      const theirs = (await register('theirs')).results[0].digest;
      await cp(fixture, join(folder, 'users.ldif'));
      await cp(join(folder, 'theirs', 'CORP_alice'), join(folder, 'ours', 'CORP_alice'), { recursive: true });
      await chmod(join(folder, 'ours'), 0o700);
      await chmod(join(folder, 'ours', 'CORP_alice'), 0o700);
      await chmod(join(folder, 'ours', 'CORP_alice', 'PC-1'), 0o700);
      await writeFile(join(folder, 'ours', 'CORP_alice', 'PC-1', `${theirs}.99999.host.pending`), '');
      const ours = (await register('ours')).results[0].digest;
      assert.notEqual(ours, theirs);
      const listed = await runMsmqCert(['keys', '--out', 'ours', '--json'], { cwd: folder, env });
      const states = JSON.parse(listed.stdout).keys.map(
        (each: { digest: string; state: string; journal: string | null }) => [
          each.digest,
          each.state,
          each.journal === null,
        ],
      );
      assert.deepEqual(
        states.sort(),
        [
          [ours, 'registered', false],
          [theirs, 'orphaned', true],
        ].sort(),
      );
      await runMsmqCert(['keys', '--out', 'ours', '--remove-orphaned', '--yes'], { cwd: folder, env });
      assert.ok((await readdir(join(folder, 'ours', 'CORP_alice', 'PC-1'))).includes(`${theirs}.pfx`));
    }));
});
