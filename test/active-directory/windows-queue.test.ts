import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMsmqCert } from '../cli/msmq-cert.ts';
import { assertKeysAreThere, readRegistered, userNames } from './bulk.ts';
import { type QueueGround, startQueueGround, statesOf, submit } from './queue-ground.ts';
import { startWindows, type Windows } from './windows.ts';

describe('A worker of the queue that is msmq-cert.exe under Wine', () => {
  const users = userNames(1, 12);
  let windows: Windows;
  let ground: QueueGround;
  before(async function () {
    // the tree with Wine is built when it is not there
    this.timeout(600_000);
    windows = await startWindows();
    ground = await startQueueGround(users.length);
  });
  after(async () => {
    await windows?.remove();
    await ground?.stop();
  });

  /** Until somebody has a job of a run, or the worker has ended without. */
  async function begun(run: string, working: Promise<unknown>): Promise<void> {
    let hasEnded = false;
    const end = () => {
      hasEnded = true;
    };
    working.then(end, end);
    const taken = `SELECT count(*) FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}' AND state > 'retry'`;
    while (!hasEnded && (await ground.ask(taken))[0] === '0');
  }

  it('works beside one that is not, over TLS, and puts the keys into its own folder', async () => {
    const { lab, postgres, env, reaching } = ground;
    const { bind, passwordFile } = lab.accounts.provisioner;
    await copyFile(lab.caFile, join(windows.folder, 'ca.pem'));
    await copyFile(postgres.caFile, join(windows.folder, 'pg-ca.pem'));
    await copyFile(passwordFile, join(windows.folder, 'password'));
    const run = await submit(ground, 'register', ...users, '--machine', 'PC-1');

    const other = join(windows.folder, 'linux');
    const words = ['queue', 'work', '--until-empty', '--out', 'certs', '--json', '--directory', lab.url];
    const access = ['--ca-file', 'ca.pem', '--bind', bind, '--password-file', 'password'];
    const database = `postgres://${postgres.user}@127.0.0.1:${postgres.port}/${postgres.database}?sslrootcert=pg-ca.pem`;
    const working = windows.run([...words, ...access], {
      env: { MSMQ_CERT_DATABASE: database, PGPASSWORD: postgres.password },
    });
    // before Wine is up, the other one would have done it all
    await begun(run, working);
    const beside = startMsmqCert(['queue', 'work', '--concurrency', '1', '--out', other, ...reaching], { env });
    const { code, stdout, stderr } = await working.finally(() => beside.kill('SIGTERM'));
    assert.equal(code, 0, stderr);
    assert.deepEqual(await statesOf(run, ground), [`corp.example completed ${users.length}`]);
    const byWorker = await ground.ask(
      `SELECT DISTINCT output ->> 'worker' FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}'`,
    );
    const { worker, users: worked } = JSON.parse(stdout);
    assert.ok(worked > 0 && byWorker.includes(worker), stdout);

    const entries = await readRegistered(lab, users);
    assert.equal(entries.length, users.length);
    const own = await ground.ask(
      `SELECT data -> 'user' ->> 'account' FROM msmq_cert_jobs.job WHERE output ->> 'worker' = '${worker}'`,
    );
    const isOwn = (user: string) => own.includes(`CORP\\${user}`);
    const out = join(windows.folder, 'certs');
    await assertKeysAreThere(
      out,
      entries.filter(({ user }) => isOwn(user)),
    );
    await assertKeysAreThere(
      other,
      entries.filter(({ user }) => !isOwn(user)),
    );
  });
});
