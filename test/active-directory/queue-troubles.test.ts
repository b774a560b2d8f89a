import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJournal } from '../../src/journal/read.ts';
import { withFolder } from '../certificate/support.ts';
import { type Invocation, type Outcome, outcomeOf, runMsmqCert, startMsmqCert } from '../cli/msmq-cert.ts';
import { journalsIn, readPairs, resetUsers, userNames } from './bulk.ts';
import { mutation } from './command-line.ts';
import { withDisk } from './disk.ts';
import { untilRunIsOver, usersLeft } from './queue-chaos.ts';
import { type QueueGround, startQueueGround, statesOf, submit } from './queue-ground.ts';

const PATIENCE_MS = 90_000;
const jumpingClock = fileURLToPath(new URL('jumping-clock.js', import.meta.url));

describe('A worker of the queue in trouble', () => {
  const users = userNames(1, 12);
  const allDone = [`corp.example completed ${users.length}`];
  let ground: QueueGround;
  before(async () => {
    ground = await startQueueGround(users.length);
  });
  const started: ChildProcessWithoutNullStreams[] = [];
  beforeEach(async () => {
    await resetUsers(ground.lab, users);
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    await ground.postgres.psql('DELETE FROM msmq_cert_jobs.job');
  });
  after(async () => {
    await ground?.stop();
  });

  it('with a wrong password ends, and the jobs have lost nothing', () =>
    withFolder(async (folder) => {
      const run = await submit(ground, 'register', ...users, '--machine', 'PC-1');
      const wrong = join(folder, 'wrong');
      await writeFile(wrong, 'not the password', { mode: 0o600 });
      const { code, stderr } = await outcomeOf(work(join(folder, 'one'), ['--password-file', wrong]));
      assert.equal(code, 3);
      assert.match(stderr, /^error\[bind-refused\]: /);
      assert.deepEqual(await tries(run), ['created 0']);
      await assertFinishes(run, join(folder, 'two'));
    }));

  it('with a folder that cannot be ends, and the jobs have lost nothing', () =>
    withFolder(async (folder) => {
      const run = await submit(ground, 'register', ...users, '--machine', 'PC-1');
      const file = join(folder, 'file');
      await writeFile(file, '');
      const { code, stderr } = await outcomeOf(work(join(file, 'one')));
      assert.ok(code !== 0 && stderr.startsWith('error['), stderr);
      assert.deepEqual(await tries(run), ['created 0']);
      await assertFinishes(run, join(folder, 'two'));
    }));

  it('whose disk is full stops, and the jobs have lost nothing', () =>
    withDisk('size=80k', async ({ folder, path }) => {
      const run = await submit(ground, 'register', ...users, '--machine', 'PC-1');
      const { code, stderr } = await outcomeOf(work(path));
      assert.equal(code, 1);
      assert.match(stderr, /error\[disk-full\]: /);
      assert.ok((await usersLeft(run, ground.ask)) > 0);
      assert.deepEqual(await failedAttempts(run), ['0']);
      await assertFinishes(run, join(folder, 'two'));
    }));

  it('whose clock jumps stops, and the jobs have lost nothing', () =>
    withFolder(async (folder) => {
      const run = await submit(ground, 'register', ...users, '--machine', 'PC-1');
      const child = work(join(folder, 'one'), ['--rate', '2'], { nodeOptions: ['--import', jumpingClock] });
      const ended = outcomeOf(child);
      await until(async () => (await usersLeft(run, ground.ask)) < users.length, ended);
      child.kill('SIGUSR2');
      const { code, stderr } = await ended;
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /error\[clock-wrong\]: the clock of this machine is 3600\.\d s ahead of that of the database/,
      );
      assert.deepEqual(await failedAttempts(run), ['0']);
      await assertFinishes(run, join(folder, 'two'), ['--rate', '20']);
    }));

  it('that stood still goes on with what others have left, also when one of them has taken up its journal', () =>
    withFolder(async (folder) => {
      const out = join(folder, 'shared');
      const run = await submit(ground, 'replace', ...(await registered(folder)));
      const before = await readPairs(ground.lab, users);
      const since = new Date();
      const frozen = work(out, ['--rate', '2', '--name', 'frozen']);
      const ended = outcomeOf(frozen);
      await until(async () => (await usersLeft(run, ground.ask)) < users.length, ended);
      frozen.kill('SIGSTOP');
      const left = await usersLeft(run, ground.ask);
      const other = work(out, ['--rate', '4', '--concurrency', '1', '--name', 'other']);
      const otherEnded = outcomeOf(other);
      await until(async () => (await usersLeft(run, ground.ask)) < left, otherEnded);
      other.kill('SIGTERM');
      assert.match((await otherEnded).stderr, /going on with the run of /);
      assert.ok((await usersLeft(run, ground.ask)) > 0);

      frozen.kill('SIGCONT');
      await untilRunIsOver(run, ground, PATIENCE_MS);
      frozen.kill('SIGTERM');
      const { code, stderr } = await ended;
      assert.equal(code, 0, stderr);
      assert.deepEqual(await statesOf(run, ground), allDone);
      const written = (await ground.writesSince(since)).filter(({ hasTaken }) => hasTaken).map(({ user }) => user);
      assert.deepEqual(written.sort(), users);
      for (const journal of await journalsIn(out)) await readJournal(journal);
      await undo(run, out);
      assert.deepEqual(await readPairs(ground.lab, users), before);
    }));

  function work(out: string, words: string[] = [], more: Invocation = {}): ChildProcessWithoutNullStreams {
    const { reaching, env } = ground;
    const child = startMsmqCert(['queue', 'work', '--out', out, ...reaching, ...words], { env, ...more });
    started.push(child);
    return child;
  }

  async function assertFinishes(run: string, out: string, words: string[] = []): Promise<void> {
    const { code, stderr } = await outcomeOf(work(out, ['--until-empty', ...words]));
    assert.equal(code, 0, stderr);
    assert.deepEqual(await statesOf(run, ground), allDone);
  }

  async function registered(folder: string): Promise<string[]> {
    const words = ['register', ...users, '--machine', 'PC-1', '--out', join(folder, 'old'), ...ground.reaching];
    const { code, stderr } = await mutation(words);
    assert.equal(code, 0, stderr);
    return users;
  }

  async function undo(run: string, out: string): Promise<void> {
    const undone = await runMsmqCert(['undo', '--run', run, '--json'], { env: ground.env });
    assert.equal(undone.code, 0, undone.stderr);
    await assertFinishes(JSON.parse(undone.stdout).run, out);
  }

  /** How often the queue has given out the jobs again that are still in it. */
  async function tries(run: string): Promise<string[]> {
    return await ground.ask(
      `SELECT DISTINCT state || ' ' || retry_count FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}'`,
    );
  }

  async function failedAttempts(run: string): Promise<string[]> {
    return await ground.ask(
      `SELECT DISTINCT coalesce(output ->> 'attempts', '0') FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}'`,
    );
  }

  async function until(isSo: () => Promise<boolean>, ended: Promise<Outcome>): Promise<void> {
    const early = ended.then(({ stderr }) => assert.fail(`the worker has ended: ${stderr}`));
    while (!(await Promise.race([isSo(), early])));
    early.catch(() => {});
  }
});
