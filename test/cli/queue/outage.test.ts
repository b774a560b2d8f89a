import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { outcomeOf } from '../msmq-cert.ts';
import { type Bench, errorsIn, initialise, WORK, withBench } from './bench.ts';

describe('A worker whose database goes away', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
    await initialise(lab);
  });
  after(async () => {
    await lab?.stop();
  });

  it('is refused in one sentence when it begins without one, as all commands are', () =>
    withBench(lab, 1, async (bench) => {
      await lab.halt();
      try {
        for (const words of [
          WORK,
          ['queue', 'status'],
          ['queue', 'init', '--domain', 'corp.example'],
          ['queue', 'submit', 'register', 'user0', '--machine', 'PC-1'],
        ]) {
          const outcome = await bench.run(words);
          assert.deepEqual([outcome.code, outcome.stdout], [3, ''], words.join(' '));
          assert.match(
            outcome.stderr,
            /^error\[database-unreachable\]: the database bench_\w+ on .* cannot be reached: (ENOENT|ECONNREFUSED)\nhint: .*\n$/,
          );
        }
      } finally {
        await lab.start();
      }
    }));

  for (const how of ['fast', 'immediate'] as const) {
    it(`goes on by itself, tells it once and loses nothing: ${how}`, () =>
      withBench(lab, 12, async (bench) => {
        const names = Array.from({ length: 12 }, (_, number) => `user${number}`);
        const run = await bench.submit([...names, '--machine', 'PC-1']);
        const worker = bench.start([...WORK, '--until-empty', '--out', 'w', '--concurrency', '2']);
        await firstLine(worker, / added/);
        await lab.halt(how);
        await lab.start();
        const outcome = await outcomeOf(worker);
        assert.equal(outcome.code, 0, outcome.stderr);
        assert.ok(errorsIn(outcome).length <= 1, outcome.stderr);
        for (const line of errorsIn(outcome)) assert.match(line, /^error\[database-unreachable\]/);
        const { state, done, certificates } = JSON.parse((await bench.run(['queue', 'status', run, '--json'])).stdout);
        assert.deepEqual({ state, done }, { state: 'done', done: 12 });
        assert.equal(certificates.added + certificates.unchanged, 12);
        const { users } = JSON.parse((await bench.run(['list', ...names, '--json'])).stdout);
        assert.deepEqual(
          users.map((user: { certificates: unknown[] }) => user.certificates.length),
          names.map(() => 1),
        );
      }));
  }

  it('lets a submit fail in one sentence, which the same one goes on with', () =>
    withBench(lab, 2, async (bench) => {
      const words = ['user0', 'user1', '--machine', 'PC-1'];
      const run = await bench.submit(words);
      // as one that was killed after half of it leaves it
      await bench.sql(`DELETE FROM msmq_cert_jobs.job WHERE data -> 'user' ->> 'account' = 'CORP\\user1'`);
      await bench.sql('UPDATE msmq_cert.runs SET submitted_at = NULL, users = NULL');
      const half = await bench.run(['queue', 'status', run]);
      assert.match(
        half.stdout,
        /, submit not whole\n[\s\S]*not all users are in the queue: the same queue submit goes on/,
      );
      const again = await bench.run(['queue', 'submit', 'register', ...words]);
      assert.deepEqual([again.code, again.stderr], [0, '']);
      assert.match(
        again.stdout,
        new RegExp(`^the submit that was cut short is whole now: 2 users in the queue\nrun: ${run}\n`),
      );
      assert.equal(await bench.sql(`SELECT count(*), count(DISTINCT id) FROM msmq_cert_jobs.job`), '2|2');
      const third = await bench.run(['queue', 'submit', 'register', ...words]);
      assert.deepEqual(
        [third.code, errorsIn(third)],
        [4, [`error[run-at-work]: the same was submitted as the run ${run}, which is not done yet`]],
      );
      assert.equal((await bench.work('w')).code, 0);
      assert.notEqual(await bench.submit(words), run);
      const twice = await bench.submit([...words, '--new-run']);
      assert.notEqual(twice, run);
    }));

  it('sees one run of two submits at once', () =>
    withBench(lab, 4, async (bench) => {
      const words = ['queue', 'submit', 'register', 'user0', 'user1', 'user2', 'user3', '--machine', 'PC-1', '--json'];
      const outcomes = await Promise.all([bench.run(words), bench.run(words), bench.run(words)]);
      const runs = new Set<string>();
      for (const { code, stdout, stderr } of outcomes) {
        assert.ok(code === 0 || (code === 4 && /run-at-work/.test(stderr)), stderr);
        if (code === 0) runs.add(JSON.parse(stdout).run);
      }
      assert.equal(runs.size, 1);
      assert.equal(await bench.sql(`SELECT count(*), count(DISTINCT data ->> 'run') FROM msmq_cert_jobs.job`), '4|1');
    }));

  it('ends by SIGTERM with 0 when what is under way is done, and leaves the rest to the next one', () =>
    withBench(lab, 12, async (bench) => {
      const names = Array.from({ length: 12 }, (_, number) => `user${number}`);
      const run = await bench.submit([...names, '--machine', 'PC-1']);
      const worker = bench.start([...WORK, '--out', 'w1', '--concurrency', '2', '--json']);
      const ended = outcomeOf(worker);
      await someDone(bench, run);
      worker.kill('SIGTERM');
      const first = await ended;
      assert.equal(first.code, 0, first.stderr);
      assert.match(first.stderr, /\nstopping after the users that are under way; once more stops at once\n$/);
      const { users, failed, stoppedBy } = JSON.parse(first.stdout);
      assert.deepEqual({ failed, stoppedBy }, { failed: 0, stoppedBy: 'interrupted' });
      const status = async () => JSON.parse((await bench.run(['queue', 'status', run, '--json'])).stdout);
      const { done, waiting, atWork, workers } = await status();
      assert.deepEqual(
        { done, waiting, atWork, workers },
        { done: users, waiting: 12 - users, atWork: 0, workers: [] },
      );
      const second = await bench.work('w2', ['--json']);
      assert.deepEqual([second.code, JSON.parse(second.stdout).users], [0, 12 - users], second.stderr);
      assert.equal((await status()).state, 'done');
    }));

  it('that was to empty the queue ends by SIGTERM with 143, and by SIGINT with 130', () =>
    withBench(lab, 30, async (bench) => {
      const names = Array.from({ length: 30 }, (_, number) => `user${number}`);
      const run = await bench.submit([...names, '--machine', 'PC-1', '--machine', 'PC-2']);
      for (const [signal, code] of [
        ['SIGTERM', 143],
        ['SIGINT', 130],
      ] as const) {
        const worker = bench.start([...WORK, '--out', signal, '--until-empty', '--concurrency', '1']);
        await firstLine(worker, / added/);
        const ended = outcomeOf(worker);
        worker.kill(signal);
        const outcome = await ended;
        assert.equal(outcome.code, code, outcome.stderr);
      }
      await bench.run(['queue', 'cancel', run]);
    }));

  it('goes on when nobody reads what it prints', () =>
    withBench(lab, 6, async (bench) => {
      const names = Array.from({ length: 6 }, (_, number) => `user${number}`);
      const run = await bench.submit([...names, '--machine', 'PC-1']);
      const worker = bench.start([...WORK, '--out', 'w', '--until-empty', '--concurrency', '1']);
      await firstLine(worker, / added/);
      worker.stdout.destroy();
      worker.stderr.destroy();
      const [code] = await once(worker, 'exit');
      assert.equal(code, 0);
      const { state, done } = JSON.parse((await bench.run(['queue', 'status', run, '--json'])).stdout);
      assert.deepEqual({ state, done }, { state: 'done', done: 6 });
    }));

  it('of another version is named, and left as it is', () =>
    withBench(lab, 1, async (bench) => {
      await bench.sql('UPDATE msmq_cert.about SET version = 2');
      const commands = [
        WORK,
        ['queue', 'status'],
        ['queue', 'init', '--domain', 'corp.example'],
        ['queue', 'submit', 'register', 'user0', '--machine', 'PC-1'],
      ];
      for (const words of commands) {
        const outcome = await bench.run(words);
        assert.deepEqual(
          [outcome.code, outcome.stdout, errorsIn(outcome)],
          [3, '', ['error[database-schema]: the queue has tables of version 2, and this program knows 1']],
          words.join(' '),
        );
      }
      await bench.sql('UPDATE msmq_cert.about SET version = 1; UPDATE msmq_cert_jobs.version SET version = 1');
      for (const version of [1, 9999]) {
        await bench.sql(`UPDATE msmq_cert_jobs.version SET version = ${version}`);
        for (const words of commands) {
          const outcome = await bench.run(words);
          assert.deepEqual([outcome.code, outcome.stdout], [3, ''], outcome.stderr);
          assert.match(
            outcome.stderr,
            /^error\[database-schema\]: the queue was made by another version: .*\nhint: use one version of msmq-cert and pg-boss everywhere/,
          );
        }
        assert.equal(await bench.sql('SELECT version FROM msmq_cert_jobs.version'), `${version}`);
      }
    }));

  async function someDone(bench: Bench, run: string): Promise<void> {
    for (;;) {
      const done = await bench.sql(
        `SELECT count(*) FROM msmq_cert_jobs.job WHERE state = 'completed' AND data ->> 'run' = '${run}'`,
      );
      if (Number(done) > 0) return;
    }
  }
});

/** Waits for a line, and lets the rest be read by others. */
async function firstLine({ stdout }: ChildProcessWithoutNullStreams, pattern: RegExp): Promise<void> {
  const lines = createInterface(stdout);
  for await (const line of lines) if (pattern.test(line)) break;
}
