import assert from 'node:assert/strict';
import { type PostgresLab, startPostgres } from '../../support/postgres-lab.ts';
import { runMsmqCert } from '../msmq-cert.ts';
import { type Bench, DOMAIN, errorsIn, initialise, withBench } from './bench.ts';

const SUBMITTER = 'sub"mitter; x';
const WORKER = "work'er";
const PASSWORDS = { [SUBMITTER]: 'submit-pw', [WORKER]: 'work-pw' };

describe('the two roles of the queue in PostgreSQL', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
    await initialise(lab);
    for (const [role, password] of Object.entries(PASSWORDS))
      await lab.psql(`CREATE ROLE ${identifier(role)} LOGIN PASSWORD '${password}'`);
  });
  after(async () => {
    await lab?.stop();
  });

  const asRoles =
    (work: (bench: Bench, as: (role: keyof typeof PASSWORDS) => As) => Promise<void>, users = 4) =>
    () =>
      withBench(lab, users, async (bench) => {
        await grant(bench);
        await work(bench, (role) => {
          const name = new URLSearchParams({ sslrootcert: lab.caFile });
          const database = new URL(`postgres://127.0.0.1:${lab.port}/${databaseName(bench)}`);
          const address = `postgres://${encodeURIComponent(role)}@${database.host}${database.pathname}?${name}`;
          return { env: { MSMQ_CERT_DATABASE: address, PGPASSWORD: PASSWORDS[role] ?? '' } };
        });
      });

  it(
    'can do all that they are for',
    asRoles(async (bench, as) => {
      const [submitter, worker] = [as(SUBMITTER), as(WORKER)];
      const run = await bench.submit(['user0', 'user1', '--machine', 'PC-1'], submitter);
      const worked = await bench.work('w', ['--rate', '100', '--only-below', 'OU=Services,DC=corp,DC=example'], worker);
      assert.deepEqual([worked.code, worked.stdout.includes('CORP\\user0: 1 added')], [1, true], worked.stderr);
      for (const role of [submitter, worker]) {
        for (const words of [['status'], ['status', run], ['dead', 'list']]) {
          const outcome = await bench.run(['queue', ...words], role);
          assert.deepEqual([outcome.code, outcome.stderr], [0, ''], words.join(' '));
        }
      }
      const retried = await bench.run(['queue', 'dead', 'retry', '--all'], worker);
      assert.deepEqual([retried.code, retried.stdout], [0, '1 job put back into the queue\n'], retried.stderr);
      assert.equal((await bench.work('w', [], worker)).code, 0);
      const undone = await bench.run(['undo', '--run', run], submitter);
      assert.deepEqual([undone.code, undone.stderr], [0, '']);
      const cancelled = await bench.run(['queue', 'cancel', await newestRun(bench)], worker);
      assert.deepEqual(
        [cancelled.code, cancelled.stdout, cancelled.stderr],
        [0, '2 users taken out of the queue; who is under way is finished\n', ''],
      );
    }),
  );

  it(
    'can do nothing else, and nothing is half done',
    asRoles(async (bench, as) => {
      const run = await bench.submit(['user0', '--machine', 'PC-1'], as(SUBMITTER));
      const before = await bench.dump();
      const refusals: [keyof typeof PASSWORDS, string[]][] = [
        [SUBMITTER, ['queue', 'cancel', run]],
        [SUBMITTER, ['queue', 'work', '--until-empty', '--base-dn', 'DC=corp,DC=example', '--out', 'w']],
        [SUBMITTER, ['queue', 'work', '--rate', '9', '--base-dn', 'DC=corp,DC=example', '--out', 'w']],
        [SUBMITTER, ['queue', 'init', '--domain', DOMAIN]],
        [WORKER, ['queue', 'submit', 'register', 'user1', '--machine', 'PC-1']],
        [WORKER, ['queue', 'init', '--domain', DOMAIN]],
      ];
      for (const [role, words] of refusals) {
        const outcome = await bench.run(words, as(role));
        assert.equal(outcome.code, 3, `${role}: ${words.join(' ')}\n${outcome.stderr}`);
        const [error = '', ...more] = errorsIn(outcome);
        assert.match(error, /^error\[database-refused\]: the database .*: permission denied for/, words.join(' '));
        assert.deepEqual(more, [], words.join(' '));
      }
      assert.equal(await bench.dump(), before);
    }),
  );

  it(
    'hold a submitter to what he puts in',
    asRoles(async (bench, as) => {
      const run = await bench.submit(['user0', '--machine', 'PC-1'], as(SUBMITTER));
      const role = `SET ROLE ${identifier(SUBMITTER)};`;
      for (const statement of [
        `UPDATE msmq_cert.runs SET asked = '{}' WHERE id = '${run}'`,
        `UPDATE msmq_cert.runs SET cancelled_at = now()`,
        'DELETE FROM msmq_cert.runs',
        'UPDATE msmq_cert.about SET version = 2',
        'DELETE FROM msmq_cert.swaps',
        'DELETE FROM msmq_cert.rates',
        'DELETE FROM msmq_cert_jobs.job',
        `UPDATE msmq_cert_jobs.job SET data = '{}'`,
        'DELETE FROM msmq_cert_jobs.queue',
      ])
        await assert.rejects(bench.sql(`${role} ${statement}`), /permission denied/, statement);
    }),
  );

  it(
    'keep a worker from saying what a run is for',
    asRoles(async (bench, as) => {
      const run = await bench.submit(['user0', '--machine', 'PC-1'], as(SUBMITTER));
      const role = `SET ROLE ${identifier(WORKER)};`;
      for (const statement of [
        `UPDATE msmq_cert.runs SET asked = '{}' WHERE id = '${run}'`,
        'DELETE FROM msmq_cert.runs',
        'UPDATE msmq_cert.about SET version = 2',
        'DELETE FROM msmq_cert.swaps',
        `UPDATE msmq_cert.swaps SET intent = '{}'`,
      ])
        await assert.rejects(bench.sql(`${role} ${statement}`), /permission denied/, statement);
    }),
  );

  async function grant(bench: Bench): Promise<void> {
    const words = ['queue', 'init', '--domain', DOMAIN, '--submitter-role', SUBMITTER, '--worker-role', WORKER];
    const { stdout } = await runMsmqCert([...words, '--json'], { env: { MSMQ_CERT_DATABASE: bench.database } });
    await bench.sql(JSON.parse(stdout).grants.join('\n'));
  }
});

interface As {
  env: Record<string, string>;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function databaseName({ database }: Bench): string {
  return /dbname=(\w+)/.exec(database)?.[1] ?? '';
}

async function newestRun({ sql }: Bench): Promise<string> {
  return await sql('SELECT id FROM msmq_cert.runs ORDER BY begun_at DESC LIMIT 1');
}
