import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeIdentity } from '../../directory/active-directory/stand-in.ts';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { outcomeOf } from '../msmq-cert.ts';
import { type Bench, initialise, WORK, withBench } from './bench.ts';

const PASSPHRASE = 'Correct-Horse-1x9';

describe('The keys of a worker', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
    await initialise(lab);
  });
  after(async () => {
    await lab?.stop();
  });

  it('and their passphrases are in nothing that the database holds or a command prints', () =>
    withBench(lab, 2, async (bench) => {
      await writeFile(join(bench.folder, 'pass'), PASSPHRASE, { mode: 0o600 });
      const run = await bench.submit(['user0', '--machine', 'PC-1']);
      const printed: string[] = [];
      const noted = async (words: string[]) => {
        const { code, stdout, stderr } = await bench.run(words);
        assert.equal(code, 0, stderr);
        printed.push(stdout, stderr);
      };
      const work = [...WORK, '--until-empty', '--out', 'w'];
      await noted([...work, '--passphrase-file', 'pass', '--ndjson']);
      await bench.submit(['user1', '--machine', 'PC-1', '--machine', 'PC-2']);
      await noted(work);
      await noted(['queue', 'status', run, '--json']);
      await noted(['undo', '--run', run]);
      await noted([...work, '--json']);
      const secrets = [PASSPHRASE, ...(await randomPassphrases(bench)), ...(await pfxParts(bench))];
      // one that was given and two of random ones, and what stands for three keys
      assert.equal(secrets.length, 6);
      const all = [
        await bench.dump(),
        await bench.sql('SELECT to_jsonb(q) FROM msmq_cert_jobs.queue q'),
        ...printed,
      ].join('\n');
      assert.match(all, /CORP/);
      for (const secret of secrets) assert.ok(!all.includes(secret));
    }));

  it('are sealed where the worker is told to, and given to its sink', () =>
    withBench(lab, 2, async (bench) => {
      const { cert } = makeIdentity();
      await writeFile(join(bench.folder, 'operator.cer'), cert);
      await writeFile(
        join(bench.folder, 'sink'),
        '#!/bin/sh\ncat > "$(dirname "$0")/taken"\necho $MSMQ_CERT_DIGEST\n',
        { mode: 0o755 },
      );
      await bench.submit(['user0', '--machine', 'PC-1']);
      const sealed = await bench.work('sealed', ['--seal-to', 'operator.cer']);
      assert.equal(sealed.code, 0, sealed.stderr);
      await bench.submit(['user1', '--machine', 'PC-1']);
      const sunk = await bench.work('sunk', ['--key-sink', join(bench.folder, 'sink')]);
      assert.equal(sunk.code, 0, sunk.stderr);
      assert.deepEqual((await kindsIn(bench, 'sealed')).sort(), ['.cer', '.pass.p7m', '.pfx.p7m']);
      assert.deepEqual(await kindsIn(bench, 'sunk'), ['.cer']);
      assert.ok((await readFile(join(bench.folder, 'taken'))).length > 0);
    }));

  it('and its journal are put back by themselves', () =>
    withBench(lab, 2, async (bench) => {
      const before = await bench.users();
      await bench.submit(['user0', '--machine', 'PC-1']);
      const { journals } = JSON.parse((await bench.work('w1', ['--json'])).stdout);
      assert.equal(journals.length, 1);
      const whole = await bench.run(['resume', journals[0]]);
      assert.deepEqual(
        [whole.code, whole.stdout, whole.stderr.split('\n')[1]],
        [2, '', 'hint: msmq-cert queue work with the same --out goes on with it'],
      );
      await bench.submit(['user1', '--machine', 'PC-1']);
      assert.equal((await bench.work('w2')).code, 0);
      const undone = await bench.run(['undo', journals[0], '--yes', '--json']);
      assert.equal(undone.code, 0, undone.stderr);
      const { users } = JSON.parse((await bench.run(['list', 'user0', 'user1', '--json'])).stdout);
      assert.deepEqual(
        users.map((user: { certificates: unknown[] }) => user.certificates.length),
        [0, 1],
      );
      assert.notEqual(await bench.users(), before);
    }));

  it('that only a dead worker has are named as orphans, and can be removed', () =>
    withBench(lab, 2, async (bench) => {
      const run = await bench.submit(['user0', 'user1', '--machine', 'PC-1']);
      // one write in 100 s: the other user has his keys and waits for his turn
      const worker = bench.start([...WORK, '--out', 'dead', '--concurrency', '2', '--rate', '0.01']);
      const ended = outcomeOf(worker);
      await until(bench, 'SELECT count(*), count(*) FILTER (WHERE outcome IS NULL) FROM msmq_cert.swaps', '2|1');
      await until(bench, "SELECT count(*) FROM msmq_cert_jobs.job WHERE state = 'completed'", '1');
      worker.kill('SIGKILL');
      await ended;
      const other = await bench.work('w');
      assert.equal(other.code, 0, other.stderr);
      const { state, done } = JSON.parse((await bench.run(['queue', 'status', run, '--json'])).stdout);
      assert.deepEqual({ state, done }, { state: 'done', done: 2 });
      const statesIn = async (out: string, words: string[] = []) => {
        const { code, stdout, stderr } = await bench.run(['keys', '--out', out, '--json', ...words]);
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout)
          .keys.map((key: { state: string; removed: boolean }) => `${key.state} ${key.removed}`)
          .sort();
      };
      assert.deepEqual(await statesIn('dead'), ['orphaned false', 'registered false']);
      assert.deepEqual(await statesIn('w'), ['registered false']);
      assert.deepEqual(await statesIn('dead', ['--remove-orphaned', '--yes']), ['orphaned true', 'registered false']);
      assert.deepEqual(await statesIn('dead'), ['registered false']);
    }));

  async function filesIn({ folder }: Bench, out: string): Promise<string[]> {
    const names = await readdir(join(folder, out), { recursive: true }).catch(() => []);
    return names.map((name) => join(folder, out, name));
  }

  async function kindsIn(bench: Bench, out: string): Promise<string[]> {
    const names = await filesIn(bench, out);
    return names.flatMap((name) => /[\da-f]{32}(\.[\w.]+)$/.exec(name)?.[1] ?? []);
  }

  async function randomPassphrases(bench: Bench): Promise<string[]> {
    const files = (await filesIn(bench, 'w')).filter((name) => name.endsWith('.pass'));
    const read = await Promise.all(files.map(async (file) => (await readFile(file, 'utf8')).trim()));
    return read.filter((text) => text !== PASSPHRASE);
  }

  /** A part of each PFX in base64, as JSON would hold it. */
  async function pfxParts(bench: Bench): Promise<string[]> {
    const files = (await filesIn(bench, 'w')).filter((name) => name.endsWith('.pfx'));
    return await Promise.all(files.map(async (file) => (await readFile(file)).subarray(300, 360).toString('base64')));
  }

  async function until({ sql }: Bench, statement: string, value: string): Promise<void> {
    while ((await sql(statement)) !== value);
  }
});
