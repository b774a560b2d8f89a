import assert from 'node:assert/strict';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tallyOf } from '../../src/cli/running/tally.ts';
import type { User } from '../../src/directory/directory.ts';
import { withFolder } from '../certificate/support.ts';
import { runInTerminal, type Typed } from './in-terminal.ts';
import { outcomeOf, runMsmqCert, startMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));
const env = { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' };

async function inDemo(task: (cwd: string) => Promise<void>): Promise<void> {
  await withFolder(async (cwd) => {
    await cp(fixture, join(cwd, 'users.ldif'));
    await task(cwd);
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function digestsOfBob(cwd: string): Promise<string[]> {
  const { stdout } = await runMsmqCert(['list', 'bob', '--json'], { cwd, env });
  return JSON.parse(stdout).users[0].certificates.map(({ digest }: { digest: string }) => digest);
}

describe('What needs --yes', () => {
  const question = 'go ahead? (y/N)';
  const clearing = (cwd: string, ...typed: Typed[]) => runInTerminal(['clear', 'bob'], { cwd, env, typed });

  it('shows in a terminal what it will do, and does it after a yes', () =>
    inDemo(async (cwd) => {
      const digests = await digestsOfBob(cwd);
      const { code, said } = await clearing(cwd, [question, 'y\n']);
      assert.equal(code, 0, said);
      for (const digest of digests) assert.equal(said.slice(0, said.indexOf(question)).split(digest).length, 2, said);
      assert.match(said, /clear would remove every certificate of CORP\\bob; go ahead\? \(y\/N\) /);
      assert.deepEqual(await digestsOfBob(cwd), []);
      assert.equal((await readdir(join(cwd, 'msmq-certs', 'backup'))).length, 1);
    }));

  for (const [answer, keys] of [
    ['a no', 'n\n'],
    ['nothing', '\n'],
    ['the end of the input', '\u0004'],
  ] as const) {
    it(`is refused after ${answer}, and leaves all as it was`, () =>
      inDemo(async (cwd) => {
        const { code, said } = await clearing(cwd, [question, keys]);
        assert.equal(code, 4, said);
        assert.match(said, /error\[confirmation-needed\]/);
        assert.equal(await readFile(join(cwd, 'users.ldif'), 'utf8'), await readFile(fixture, 'utf8'));
        assert.deepEqual(await filesBelow(cwd), ['users.ldif']);
      }));
  }

  it('ends with 130 when it is interrupted in the question', () =>
    inDemo(async (cwd) => {
      const { code, said } = await clearing(cwd, [question, '\u0003']);
      assert.equal(code, 130, said);
      assert.match(shown(said), /^stopping /m);
      assert.match(shown(said), /^hint: nothing was written; run the same command again$/m);
      assert.equal(await readFile(join(cwd, 'users.ldif'), 'utf8'), await readFile(fixture, 'utf8'));
    }));

  it('asks for one user after the other', () =>
    inDemo(async (cwd) => {
      const typed: Typed[] = [
        ['CORP\\alice; go ahead? (y/N)', 'n\n'],
        ['CORP\\bob; go ahead? (y/N)', 'y\n'],
      ];
      const seeding = ['register', 'alice', '--machine', 'PC-1'];
      assert.equal((await runMsmqCert(seeding, { cwd, env })).code, 0);
      const { code, said } = await runInTerminal(['clear', 'alice', 'bob', '--concurrency', '1'], { cwd, env, typed });
      assert.equal(code, 1, said);
      assert.deepEqual(await digestsOfBob(cwd), []);
      assert.match(said, /1 failed/);
    }));

  it('asks for a plan file too', () =>
    inDemo(async (cwd) => {
      const [digest = ''] = await digestsOfBob(cwd);
      const others = (await digestsOfBob(cwd)).flatMap((each) => ['--digest', each]);
      await runMsmqCert(['plan', 'prune', 'bob', ...others, '--out', 'plan.json'], { cwd, env });
      const { code, said } = await runInTerminal(['apply', 'plan.json'], { cwd, env, typed: [[question, 'y\n']] });
      assert.equal(code, 0, said);
      assert.ok(said.slice(0, said.indexOf(question)).includes(digest));
      assert.deepEqual(await digestsOfBob(cwd), []);
    }));

  it('asks before it removes key files', () =>
    inDemo(async (cwd) => {
      await runMsmqCert(['register', 'alice', '--machine', 'PC-1'], { cwd, env });
      await cp(fixture, join(cwd, 'users.ldif'));
      const removing = ['keys', '--remove-orphaned'];
      const refused = await runInTerminal(removing, { cwd, env, typed: [[question, 'n\n']] });
      assert.equal(refused.code, 4, refused.said);
      assert.equal((await filesBelow(cwd)).filter((name) => name.endsWith('.pfx')).length, 1);
      const { code, said } = await runInTerminal(removing, { cwd, env, typed: [[question, 'y\n']] });
      assert.equal(code, 0, said);
      assert.match(said, /1 key set belongs to no registered certificate and would be removed; go ahead\?/);
      assert.equal((await filesBelow(cwd)).filter((name) => name.endsWith('.pfx')).length, 0);
    }));

  it('refuses without a terminal', () =>
    inDemo(async (cwd) => {
      const { code, stderr } = await runMsmqCert(['clear', 'bob'], { cwd, env, input: 'y\n' });
      assert.equal(code, 4);
      assert.match(stderr, /^error\[confirmation-needed\]/);
      assert.doesNotMatch(stderr, /y\/N/);
    }));
});

describe('A run that is stopped', () => {
  const machines = Array.from({ length: 40 }, (_each, index) => ['--machine', `M-${index}`]).flat();

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`by ${signal} ends with ${code} and names the journal that there is`, () =>
      inDemo(async (cwd) => {
        const child = startMsmqCert(['register', 'alice', ...machines, '--json', '--verbose'], { cwd, env });
        const outcome = outcomeOf(child);
        await journalHasKey(cwd);
        child.kill(signal);
        const { code: ended, stdout, stderr } = await outcome;
        assert.equal(ended, code, stderr);
        const { stopped, journal } = JSON.parse(stdout);
        assert.equal(stopped.error.code, 'interrupted');
        assert.ok(stopped.error.hint.includes(`msmq-cert resume ${journal}`), stopped.error.hint);
        assert.match(await readFile(join(cwd, journal), 'utf8'), /"key"/);
      }));
  }

  it('has the code of the first signal when another comes', () =>
    inDemo(async (cwd) => {
      const child = startMsmqCert(['register', 'alice', ...machines], { cwd, env });
      const outcome = outcomeOf(child);
      child.stderr.once('data', () => child.kill('SIGINT'));
      await journalHasKey(cwd);
      child.kill('SIGTERM');
      assert.equal((await outcome).code, 143);
    }));

  /** Resolves when the journal of the run names the first key. */
  async function journalHasKey(cwd: string): Promise<void> {
    const folder = join(cwd, 'msmq-certs', 'journal');
    for (;;) {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.ndjson'));
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
      if (texts.some((text) => text.includes('"key"'))) return;
      await new Promise(setImmediate);
    }
  }
});

describe('A prompt for a password', () => {
  it('ends with 130 when it is interrupted', () =>
    inDemo(async (cwd) => {
      const words = ['list', 'alice', '--directory', 'ldaps://127.0.0.1:9', '--bind', 'alice'];
      const { code, said } = await runInTerminal(words, { cwd, typed: [['Password for alice: ', '\u0003']] });
      assert.equal(code, 130, said);
    }));
});

describe('The progress of a run', () => {
  const user = (name: string) => ({ dn: `CN=${name}`, account: `CORP\\${name}` }) as User;

  it('counts certificates: many machines of one user are many steps', () => {
    const tally = tallyOf('certificates');
    tally.started([{ user: user('alice'), wanted: Array(300).fill(null) }]);
    assert.deepEqual([tally.done(), tally.total()], [0, 300]);
    for (let made = 1; made <= 120; made++) tally.made(user('alice'));
    assert.deepEqual([tally.done(), tally.total()], [120, 300]);
    tally.finished(user('alice'));
    assert.deepEqual([tally.done(), tally.total()], [300, 300]);
  });

  it('learns from the plan how many a user gets', () => {
    const tally = tallyOf('certificates');
    tally.started([
      { user: user('alice'), wanted: [] },
      { user: user('bob'), wanted: [] },
    ]);
    tally.planned(user('alice'), 20);
    tally.made(user('alice'));
    tally.finished(user('bob'));
    assert.deepEqual([tally.done(), tally.total()], [2, 21]);
  });

  it('moves a bar in a terminal, which no other line runs into', () =>
    inDemo(async (cwd) => {
      const machines = Array.from({ length: 30 }, (_each, index) => ['--machine', `M-${index}`]).flat();
      const typed: Typed[] = [['/30 certificates', '\u0003']];
      const { code, said } = await runInTerminal(['register', 'alice', ...machines], { cwd, env, typed });
      assert.equal(code, 130, said);
      assert.match(said, /\d+\/30 certificates/);
      const screen = shown(said);
      assert.match(screen, /^stopping after the writes that are under way; once more stops at once$/m);
      assert.match(screen, /^error\[interrupted\]: the run was stopped by SIGINT$/m);
      assert.doesNotMatch(screen, /30 certificates/);
      assert.ok(said.lastIndexOf('\u001b[?25h') > said.lastIndexOf('\u001b[?25l'), 'the cursor is shown again');
    }));
});

const ESCAPE = '\u001b';
const atTheLeft = new RegExp(String.raw`\r|${ESCAPE}\[1G`);
const code = new RegExp(String.raw`${ESCAPE}\[[\d;?]*[a-zA-Z]|\^C`, 'g');

/** What is left on the screen: the last text of each line. */
function shown(said: string): string {
  const lines = said.split('\n').map((line) => line.split(atTheLeft).at(-1) ?? '');
  return lines.join('\n').replaceAll(code, '');
}
