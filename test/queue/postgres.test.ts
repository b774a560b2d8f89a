import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Pool } from 'pg';
import { MsmqCertError } from '../../src/errors.ts';
import { type DatabaseSettings, databaseSettings, openDatabase } from '../../src/queue/database.ts';
import { databaseError } from '../../src/queue/database-errors.ts';
import { loadPgBoss, loadRateLimiter } from '../../src/queue/packages.ts';
import { withFolder } from '../certificate/support.ts';
import { type PostgresLab, startPostgres } from '../support/postgres-lab.ts';

describe('the database of the queue, against a real PostgreSQL', () => {
  let lab: PostgresLab;
  before(async () => {
    lab = await startPostgres();
  });
  after(async () => {
    await lab?.stop();
  });

  const overTls = async (change: Record<string, string> = {}): Promise<DatabaseSettings> =>
    await databaseSettings(lab.connectionStrings.tls, { PGPASSWORD: lab.password, ...change });

  async function using<T>(settings: DatabaseSettings, use: (pool: Pool) => Promise<T>): Promise<T> {
    const pool = await openDatabase(settings);
    try {
      return await use(pool);
    } finally {
      await pool.end();
    }
  }

  async function encrypted(settings: DatabaseSettings): Promise<boolean> {
    const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    return await using(settings, async (pool) => (await pool.query(sql)).rows[0].ssl);
  }

  it('is reached through the socket', async () => {
    const settings = await databaseSettings(lab.connectionStrings.socket, {});
    const { rows } = await using(settings, (pool) =>
      pool.query('select current_user as name, inet_server_addr() as ip'),
    );
    assert.deepEqual(rows, [{ name: 'lab', ip: null }]);
  });

  it('remembers what it was told although it is set to forget the last moments before a crash', async () => {
    const settings = await databaseSettings(lab.connectionStrings.socket, {});
    const commits = await using(settings, async (pool) => (await pool.query('show synchronous_commit')).rows);
    assert.deepEqual([await lab.psql('show synchronous_commit'), commits], ['off', [{ synchronous_commit: 'on' }]]);
  });

  it('is reached through TLS that is verified', async () => {
    assert.equal(await encrypted(await overTls()), true);
  });

  it('is reached by a name that the certificate carries', async () => {
    const string = lab.connectionStrings.tls.replace('127.0.0.1', 'localhost');
    assert.equal(await encrypted(await databaseSettings(string, { PGPASSWORD: lab.password })), true);
  });

  it('is reached without TLS on loopback, where that is asked for', async () => {
    const string = `postgres://lab@127.0.0.1:${lab.port}/lab?sslmode=disable`;
    assert.equal(await encrypted(await databaseSettings(string, { PGPASSWORD: lab.password })), false);
  });

  it('is reached by a service with its password', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'services');
      const words = ['host=127.0.0.1', `port=${lab.port}`, 'user=lab', 'dbname=lab', `sslrootcert=${lab.caFile}`];
      await writeFile(file, `[other]\nhost=db9\n[queue]\n${words.join('\n')}\npassword=${lab.password}\n`);
      assert.equal(await encrypted(await databaseSettings('service=queue', { PGSERVICEFILE: file })), true);
    }));

  it('is reached with the password of the file that PGPASSFILE names', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'pgpass');
      await writeFile(file, `127.0.0.1:${lab.port}:lab:lab:${lab.password}\n`, { mode: 0o600 });
      await withVariable('PGPASSFILE', file, async () => {
        assert.equal(await encrypted(await databaseSettings(lab.connectionStrings.tls)), true);
      });
    }));

  it('is reached with the password of the keychain, where no file has one', () =>
    withoutPassFile(async () => {
      const asked: string[] = [];
      const settings = await databaseSettings(lab.connectionStrings.tls, {}, async (where, user) => {
        asked.push(`${user} ${where}`);
        return lab.password;
      });
      assert.equal(await encrypted(settings), true);
      assert.deepEqual(asked, [`lab postgres://127.0.0.1:${lab.port}/lab`]);
    }));

  it('is opened by pg-boss with the same settings', async () => {
    const { PgBoss } = await loadPgBoss();
    const boss = new PgBoss({ ...(await overTls()), schema: 'trial' });
    const errors: Error[] = [];
    boss.on('error', (error) => errors.push(error));
    await boss.start();
    try {
      await boss.createQueue('users');
      await boss.send('users', { user: 'alice' });
      assert.deepEqual((await boss.fetch('users'))[0]?.data, { user: 'alice' });
    } finally {
      await boss.stop({ graceful: false });
    }
    assert.deepEqual(errors, []);
  });

  it('keeps the count of the rate limiter over its connections', async () => {
    const { RateLimiterPostgres } = await loadRateLimiter();
    await using(await overTls(), async (pool) => {
      const limiter = await new Promise<InstanceType<typeof RateLimiterPostgres>>((resolve, reject) => {
        const options = { storeClient: pool, points: 2, duration: 0, clearExpiredByTimeout: false };
        const made = new RateLimiterPostgres(options, (error) => (error === undefined ? resolve(made) : reject(error)));
      });
      assert.equal((await limiter.consume('dc:corp.example')).remainingPoints, 1);
      assert.equal((await limiter.consume('dc:corp.example')).remainingPoints, 0);
      await assert.rejects(limiter.consume('dc:corp.example'), ({ consumedPoints }) => consumedPoints === 3);
    });
  });

  it('is not trusted when another authority vouches for it', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'other.pem');
      await writeFile(file, rootCertificates[0] ?? '');
      const string = `postgres://lab@127.0.0.1:${lab.port}/lab?sslrootcert=${file}`;
      await assert.rejects(openDatabase(await databaseSettings(string, { PGPASSWORD: lab.password })), {
        code: 'tls-untrusted',
      });
    }));

  it('is not trusted by the authorities of the system', async () => {
    const string = `postgres://lab@127.0.0.1:${lab.port}/lab`;
    await assert.rejects(openDatabase(await databaseSettings(string, { PGPASSWORD: lab.password })), {
      code: 'tls-untrusted',
      message: `the certificate of the database lab on 127.0.0.1:${lab.port} comes from an authority that is not trusted`,
    });
  });

  it('is not trusted by a name that the certificate does not carry', async () => {
    const string = lab.connectionStrings.tls.replace('127.0.0.1', '127.0.0.2');
    await lab.psql("alter system set listen_addresses = '127.0.0.1,127.0.0.2'");
    await lab.restart();
    await assert.rejects(openDatabase(await databaseSettings(string, { PGPASSWORD: lab.password })), {
      code: 'tls-untrusted',
      message: /127\.0\.0\.2/,
    });
  });

  it('refuses a wrong password, which the error does not repeat', async () => {
    const settings = await overTls({ PGPASSWORD: 'wrong-hunter2' });
    await assert.rejects(openDatabase(settings), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'database-refused');
      assert.match(error.message, /password authentication failed for user "lab"/);
      assert.doesNotMatch(`${error.stack} ${error.hint} ${JSON.stringify(error)}`, /hunter2/);
      return true;
    });
  });

  it('says that there is no password, and why the keychain has none', () =>
    withoutPassFile(async () => {
      const settings = await databaseSettings(lab.connectionStrings.tls, {});
      await assert.rejects(openDatabase(settings), {
        code: 'credentials-missing',
        message: `there is no password for lab in the database lab on 127.0.0.1:${lab.port}`,
      });
      const locked = new MsmqCertError('not-available', 'the keychain is locked');
      const asking = await databaseSettings(lab.connectionStrings.tls, {}, () => Promise.reject(locked));
      await assert.rejects(openDatabase(asking), { code: 'credentials-missing', hint: /; the keychain is locked$/ });
    }));

  it('says that there is no such database', async () => {
    const settings = await databaseSettings(lab.connectionStrings.socket.replace('dbname=lab', 'dbname=orders'), {});
    await assert.rejects(openDatabase(settings), {
      code: 'database-refused',
      message: `the database orders on ${lab.socketFolder}:${lab.port}: database "orders" does not exist`,
    });
  });

  it('says which rights are missing, and that there are no tables', async () => {
    await lab.psql('create role guest login; create table secrets (id int)');
    const as = async (user: string) =>
      await databaseSettings(lab.connectionStrings.socket.replace('user=lab', `user=${user}`), {});
    const failing = async (user: string, sql: string) =>
      await using(await as(user), (pool) => pool.query(sql)).catch((error) => databaseError(error, 'here').code);
    assert.equal(await failing('guest', 'select * from secrets'), 'database-refused');
    assert.equal(await failing('guest', 'select * from pgboss.job'), 'database-schema');
    assert.equal(await failing('lab', 'select * from nothing'), 'database-schema');
    assert.equal(await failing('lab', 'select 1/0'), 'database-error');
  });

  for (const how of ['fast', 'immediate'] as const) {
    it(`is lost in the middle of a query when it is restarted (${how}), and found again by the next`, async () => {
      await using(await overTls(), async (pool) => {
        const client = await pool.connect();
        client.on('error', () => {});
        const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0];
        const running = client.query('select pg_sleep(60)').catch((error) => databaseError(error, 'here').code);
        await lab.psql(
          `do $$ begin while not exists (select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep') loop perform pg_stat_clear_snapshot(); end loop; end $$`,
        );
        await lab.restart(how);
        assert.equal(await running, 'database-unreachable');
        client.release(true);
        assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }]);
      });
    });
  }

  it('is unreachable while it is halted, through the socket and TCP', async () => {
    await lab.halt();
    try {
      await assert.rejects(openDatabase(await databaseSettings(lab.connectionStrings.socket, {})), {
        code: 'database-unreachable',
      });
      await assert.rejects(openDatabase(await overTls()), {
        code: 'database-unreachable',
        message: `the database lab on 127.0.0.1:${lab.port} cannot be reached: ECONNREFUSED`,
      });
    } finally {
      await lab.start();
    }
  });
});

async function withoutPassFile(use: () => Promise<void>): Promise<void> {
  await withFolder((folder) => withVariable('PGPASSFILE', join(folder, 'none'), use));
}

/** pgpass reads the variable, so that it has to be in the environment of this process. */
async function withVariable(name: string, value: string, use: () => Promise<void>): Promise<void> {
  const before = process.env[name];
  process.env[name] = value;
  try {
    await use();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
