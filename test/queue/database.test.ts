import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { inspect } from 'node:util';
import { MsmqCertError } from '../../src/errors.ts';
import { databaseSettings, describeDatabase } from '../../src/queue/database.ts';
import { databaseError } from '../../src/queue/database-errors.ts';
import { withFolder } from '../certificate/support.ts';

/** Everything of an error that anybody may see. */
function shown(error: MsmqCertError): string {
  return `${inspect(error, { depth: 9 })} ${error.hint} ${error.problems.join(' ')}`;
}

async function errorOf(string: string, environment: NodeJS.ProcessEnv = {}): Promise<MsmqCertError> {
  const outcome = await databaseSettings(string, environment).catch((error: unknown) => error);
  assert.ok(outcome instanceof MsmqCertError, `${string} is accepted`);
  return outcome;
}

describe('the connection string of the database', () => {
  type Place = { host: string; port: number; user: string; database: string };
  const place = (host: string, port = 5432, user = 'ann', database = 'orders'): Place => ({
    host,
    port,
    user,
    database,
  });
  const understood: [string: string, place: Place][] = [
    ['postgres://ann@db1.corp.example/orders', place('db1.corp.example')],
    ['postgresql://ann@db1.corp.example:6432/orders?sslmode=verify-full', place('db1.corp.example', 6432)],
    ['postgres://CORP%5Cann@db1/my%20orders', place('db1', 5432, 'CORP\\ann', 'my orders')],
    ['postgres://ann@[::1]:5433/orders', place('::1', 5433)],
    ['postgres://ann@/orders?host=/run/postgresql', place('/run/postgresql')],
    ['postgres://ann@%2Frun%2Fpostgresql/orders', place('/run/postgresql')],
    ['postgres:///orders?host=/run/postgresql&user=a%2Bn', place('/run/postgresql', 5432, 'a+n')],
    ['host=/run/postgresql user=ann dbname=orders', place('/run/postgresql')],
    ["host = db1 port=6432 user=ann dbname='my \\'orders'", place('db1', 6432, 'ann', "my 'orders")],
  ];
  for (const [string, expected] of understood) {
    it(`is understood: ${string}`, async () => {
      const { host, port, user, database } = await databaseSettings(string, {});
      assert.deepEqual({ host, port, user, database }, expected);
    });
  }

  const withPassword = [
    'postgres://ann:hunter2@db1/orders',
    'postgres://ann:@db1/orders',
    'postgres://ann@db1/orders?password=hunter2',
    'postgres://ann@db1/orders?sslpassword=hunter2',
    'host=db1 password=hunter2',
    "host=db1 PASSWORD = 'hunter2 x'",
    'host=db1 pwd=hunter2',
  ];
  for (const string of withPassword) {
    it(`is refused for its password: ${string}`, async () => {
      const error = await errorOf(string);
      assert.equal(error.code, 'usage');
      assert.match(error.message, /holds a password/);
      assert.match(error.hint ?? '', /PGPASSWORD.*PGPASSFILE.*PGSERVICE.*keychain/);
      assert.doesNotMatch(shown(error), /hunter2/);
    });
  }

  const broken = [
    'postgres://ann:12/hunter2@db1/orders',
    'postgres://ann:12?hunter2@db1/orders',
    'postgres://ann:12#hunter2@db1/orders',
    'postgres://ann:1@hunter2@db1/orders',
    'postgres://ann@db1/orders#hunter2',
    'postgres://ann@db1:hunter2/orders',
    'postgres://ann@db1/orders?hunter2',
    'postgres://ann@db1/orders?hunter2=1',
    'postgres://ann@db1/orders?host=&x=hunter2',
    'postgres://ann@db1/%hunter2',
    'mysql://ann:hunter2@db1/orders',
    'host=db1 dbname=orders hunter2',
    "host=db1 dbname='hunter2",
    'hunter2',
    '',
    'host=db1 port=hunter2 dbname=orders',
    'host=db1 port=0 dbname=orders',
    'host=db1 hostaddr=10.0.0.1 dbname=orders',
    'host=db1,db2 dbname=orders',
    'host=db1 user=ann',
  ];
  for (const string of broken) {
    it(`is refused without being repeated: "${string}"`, async () => {
      const error = await errorOf(string);
      assert.equal(error.code, 'usage');
      assert.doesNotMatch(shown(error), /hunter2/);
    });
  }

  it('leaves what it does not say to the environment', async () => {
    const environment = { PGHOST: 'db1', PGPORT: '6432', PGUSER: 'ann', PGDATABASE: 'orders', PGCONNECT_TIMEOUT: '3' };
    const settings = await databaseSettings('user=bob', environment);
    assert.equal(describeDatabase(settings), 'orders on db1:6432');
    assert.equal(settings.user, 'bob');
    assert.equal(settings.connectionTimeoutMillis, 3000);
  });
});

describe('TLS to the database', () => {
  const string = (host: string, more: string) => `host=${host} dbname=orders ${more}`;

  for (const host of ['db1.corp.example', '10.0.0.1', '127.0.0.1', 'localhost', '::1', '2001:db8::1']) {
    it(`is verified by default, with the authorities of the system: ${host}`, async () => {
      const { ssl } = await databaseSettings(string(host, ''), {});
      assert.ok(ssl);
      assert.equal(ssl.rejectUnauthorized, true);
      // Node writes the same certificate in more than one way
      const fingerprints = new Set(ssl.ca.map((pem) => new X509Certificate(pem).fingerprint256));
      assert.ok(rootCertificates.every((pem) => fingerprints.has(new X509Certificate(pem).fingerprint256)));
    });
  }

  for (const mode of ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'nonsense']) {
    it(`is not weakened to another machine: ${mode}`, async () => {
      for (const host of ['db1.corp.example', '10.0.0.1', '2001:db8::1', '128.0.0.1', 'localhost.corp.example']) {
        assert.match((await errorOf(string(host, `sslmode=${mode}`))).message, new RegExp(`sslmode=${mode} .*${host}`));
        assert.equal((await errorOf(string(host, ''), { PGSSLMODE: mode })).code, 'usage');
      }
    });
  }

  it('is left away on loopback when that is asked for', async () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) {
      assert.equal((await databaseSettings(string(host, 'sslmode=disable'), {})).ssl, false);
      assert.equal((await errorOf(string(host, 'sslmode=require'))).code, 'usage');
    }
  });

  it('is not used over a socket', async () => {
    assert.equal((await databaseSettings(string('/run/postgresql', ''), { PGSSLMODE: 'require' })).ssl, false);
  });

  it('trusts only the authority that is named', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'ca.pem');
      await writeFile(file, rootCertificates[0] ?? '');
      const { ssl } = await databaseSettings(string('db1', ''), { PGSSLROOTCERT: file });
      assert.ok(ssl);
      assert.deepEqual(ssl.ca, [rootCertificates[0]]);
      await writeFile(file, 'nothing');
      assert.equal((await errorOf(string('db1', `sslrootcert=${file}`))).code, 'invalid-config');
      assert.equal((await errorOf(string('db1', `sslrootcert=${file}.none`))).code, 'file-unreadable');
      assert.equal((await errorOf(string('db1', `sslcert=${file}`))).code, 'usage');
    }));
});

describe('a service of the database', () => {
  const services =
    '# ours\n[queue]\nhost=db1\nport=6432\ndbname=a;b#c\nuser=ann\npassword=p w=1;\n\n[ldap]\nldap://x\n';

  it('comes from the file of PGSERVICEFILE, by the string or PGSERVICE, and the string comes first', () =>
    withFolder(async (folder) => {
      const PGSERVICEFILE = join(folder, 'services');
      await writeFile(PGSERVICEFILE, services);
      const settings = await databaseSettings('service=queue', { PGSERVICEFILE, PGPASSWORD: 'other', PGUSER: 'bob' });
      assert.equal(describeDatabase(settings), 'a;b#c on db1:6432');
      assert.equal(settings.user, 'ann');
      assert.equal(await settings.password(), 'p w=1;');
      const other = await databaseSettings('user=carol', { PGSERVICEFILE, PGSERVICE: 'queue' });
      assert.equal(`${other.user} ${other.host}`, 'carol db1');
      const third = await databaseSettings('postgres://db9/?service=queue', { PGSERVICEFILE });
      assert.equal(describeDatabase(third), 'a;b#c on db9:6432');
    }));

  it('comes from the file of the account, or that of the system', () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'system'));
      await writeFile(join(folder, '.pg_service.conf'), '[mine]\nhost=db1\ndbname=orders\n');
      await writeFile(join(folder, 'system', 'pg_service.conf'), '[all]\nhost=db2\ndbname=orders\n');
      const environment = { HOME: folder, PGSYSCONFDIR: join(folder, 'system') };
      assert.equal((await databaseSettings('service=mine', environment)).host, 'db1');
      assert.equal((await databaseSettings('service=all', environment)).host, 'db2');
    }));

  it('is named when it is missing or not understood, its lines are not repeated', () =>
    withFolder(async (folder) => {
      const PGSERVICEFILE = join(folder, 'services');
      const environment = { PGSERVICEFILE, PGSYSCONFDIR: folder };
      await writeFile(PGSERVICEFILE, `${services}[bad]\npassword hunter2\n[odd]\ncolour=hunter2\n`);
      assert.match((await errorOf('service=none', environment)).message, /no service "none" in .*services/);
      assert.match((await errorOf('service=ldap', environment)).message, /^line 10 of .* is not understood$/);
      for (const name of ['bad', 'odd']) {
        const error = await errorOf(`service=${name}`, environment);
        assert.doesNotMatch(shown(error), /hunter2/);
      }
    }));
});

describe('the password of the database', () => {
  it('is nowhere in the printed settings', async () => {
    const settings = await databaseSettings('host=db1 dbname=orders', { PGPASSWORD: 'hunter2' });
    assert.doesNotMatch(`${JSON.stringify(settings)} ${inspect(settings, { depth: 9 })}`, /hunter2/);
    assert.equal(await settings.password(), 'hunter2');
  });
});

describe('an error of the database', () => {
  const report = (code: string) => Object.assign(new Error('said so'), { code, severity: 'FATAL' });
  const system = (code: string) => Object.assign(new Error('failed'), { code });
  const codes: [error: unknown, code: string][] = [
    [report('28P01'), 'database-refused'],
    [report('28000'), 'database-refused'],
    [report('3D000'), 'database-refused'],
    [report('42501'), 'database-refused'],
    [report('25006'), 'database-refused'],
    [report('3F000'), 'database-schema'],
    [report('42P01'), 'database-schema'],
    [report('57P01'), 'database-unreachable'],
    [report('57P02'), 'database-unreachable'],
    [report('57P03'), 'database-unreachable'],
    [report('53300'), 'database-unreachable'],
    [report('53100'), 'database-unreachable'],
    [report('08006'), 'database-unreachable'],
    [report('23505'), 'database-error'],
    [report('57014'), 'database-error'],
    [system('ECONNREFUSED'), 'database-unreachable'],
    [system('ECONNRESET'), 'database-unreachable'],
    [system('ENOTFOUND'), 'database-unreachable'],
    [Object.assign(new AggregateError([system('ECONNREFUSED')]), { code: 'ECONNREFUSED' }), 'database-unreachable'],
    // as pg-boss passes an error on
    [{ ...system('EPIPE'), message: 'write EPIPE' }, 'database-unreachable'],
    [{ ...report('57P01'), message: 'terminating' }, 'database-unreachable'],
    [new Error('Connection terminated unexpectedly'), 'database-unreachable'],
    [new Error('timeout exceeded when trying to connect'), 'database-unreachable'],
    [new Error('The server does not support SSL connections'), 'tls-untrusted'],
    [system('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls-untrusted'],
    [system('CERT_HAS_EXPIRED'), 'tls-untrusted'],
    [system('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls-untrusted'],
    [new Error('anything else'), 'database-error'],
    ['not even an error', 'database-error'],
  ];
  for (const [error, code] of codes) {
    it(`${inspect(error, { compact: true }).split('\n')[0]} ${error instanceof Error && 'code' in error ? error.code : ''} is ${code}`, () => {
      const ours = databaseError(error, 'orders on db1:5432');
      assert.equal(ours.code, code);
      assert.match(ours.message, /orders on db1:5432/);
      assert.ok(ours.hint);
      assert.equal(ours.cause, error);
    });
  }

  it('that is one of ours stays what it is', () => {
    const ours = new MsmqCertError('conflict', 'somebody else was faster');
    assert.equal(databaseError(ours, 'here'), ours);
  });
});
