import { BlockList, isIP } from 'node:net';
import { userInfo } from 'node:os';
import { getCACertificates } from 'node:tls';
import type { Pool } from 'pg';
import type { z } from 'zod';
import { MsmqCertError } from '../errors.ts';
import { readText } from '../files/read-file.ts';
import { checkWords, type connectionSchema, parseConnectionString } from './connection-string.ts';
import { databaseError, tooOld } from './database-errors.ts';
import { loadPg } from './packages.ts';
import { isSocket, type PasswordLookup, type Place, passwordSource } from './password.ts';
import { readService } from './service-file.ts';

/** What pg and pg-boss take as they are. */
export interface DatabaseSettings extends Place {
  /** Asked when the server wants one. Behind a function, so that nothing prints it by chance. */
  password: () => Promise<string>;
  /** False over a Unix socket, and on loopback where sslmode=disable asks for it; otherwise always verified. */
  ssl: false | { ca: string[]; rejectUnauthorized: true; minVersion: 'TLSv1.2'; cert?: string; key?: string };
  application_name: string;
  connectionTimeoutMillis: number;
  keepAlive: true;
}

type Connection = z.infer<typeof connectionSchema>;

const DEFAULT_PORT = 5432;
const DEFAULT_TIMEOUT_S = 10;
/** PostgreSQL 13, the oldest that pg-boss takes. */
const OLDEST_VERSION = 130_000;
const DURABLE = `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

/**
 * How to reach the database of the queue. What the string does not say comes from the service that it or PGSERVICE names,
 * then from PGHOST, PGPORT, PGUSER, PGDATABASE, PGSSLMODE and the like. The password is looked for when the server wants
 * one: see `passwordSource`.
 * @throws MsmqCertError usage, invalid-config, file-unreadable
 */
export async function databaseSettings(
  connectionString: string,
  environment: NodeJS.ProcessEnv = process.env,
  lookUp: PasswordLookup = async () => null,
): Promise<DatabaseSettings> {
  const connection = await completed(connectionString, environment);
  const { host, user, dbname: database } = connection;
  const place = {
    host: oneHost(host ?? (process.platform === 'win32' ? 'localhost' : '/var/run/postgresql')),
    port: connection.port ?? DEFAULT_PORT,
    user: user ?? userInfo().username,
    database: database ?? noDatabase(),
  };
  return {
    ...place,
    password: passwordSource(place, connection.password ?? environment['PGPASSWORD'], lookUp),
    ssl: isEncrypted(place.host, connection.sslmode) ? await tlsSettings(connection) : false,
    application_name: connection.application_name ?? 'msmq-cert',
    connectionTimeoutMillis: (connection.connect_timeout || DEFAULT_TIMEOUT_S) * 1000,
    keepAlive: true,
  };
}

/** The database in the sentence of an error, for example `orders on db1.corp.example:5432`. */
export function describeDatabase({ host, port, database }: Place): string {
  return `${database} on ${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/**
 * Opens connections to the database, and has tried one. End them with `pool.end()`.
 * @throws MsmqCertError package-missing, database-unreachable, database-refused, database-error, tls-untrusted,
 * credentials-missing
 */
export async function openDatabase(settings: DatabaseSettings, most = 10): Promise<Pool> {
  const pg = await loadPg();
  const pool = new pg.Pool({
    ...settings,
    max: most,
    // a database that crashes must not forget what a worker was about to write
    onConnect: (client) => client.query(DURABLE),
  });
  // an idle connection that breaks is replaced by the next query, which tells when that does not work
  pool.on('error', () => {});
  try {
    const { rows } = await pool.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const version = rows[0]?.version ?? 0;
    if (version < OLDEST_VERSION) throw tooOld(describeDatabase(settings), version);
    return pool;
  } catch (error) {
    await pool.end();
    throw databaseError(error, describeDatabase(settings));
  }
}

async function completed(connectionString: string, environment: NodeJS.ProcessEnv): Promise<Connection> {
  const given = checkWords(parseConnectionString(connectionString), 'the connection string of the database');
  const service = given.service ?? (environment['PGSERVICE'] || undefined);
  const found = service === undefined ? null : await readService(service, environment);
  const ofService = found === null ? {} : checkWords(found.words, `the service "${service}" in ${found.file}`);
  return { ...fromEnvironment(environment), ...ofService, ...given };
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Connection {
  const variables = {
    host: 'PGHOST',
    port: 'PGPORT',
    user: 'PGUSER',
    dbname: 'PGDATABASE',
    sslmode: 'PGSSLMODE',
    sslrootcert: 'PGSSLROOTCERT',
    sslcert: 'PGSSLCERT',
    sslkey: 'PGSSLKEY',
    application_name: 'PGAPPNAME',
    connect_timeout: 'PGCONNECT_TIMEOUT',
  };
  const set = Object.entries(variables).filter(([, variable]) => environment[variable]);
  return checkWords(
    Object.fromEntries(set.map(([name, variable]) => [name, environment[variable]])),
    'what PGHOST, PGPORT and the like say of the database',
  );
}

function oneHost(host: string): string {
  if (!host.includes(',')) return host;
  throw new MsmqCertError('usage', `the database is given with several hosts, ${host}, of which only one can be used`, {
    hint: 'name the one that takes writes',
  });
}

function noDatabase(): never {
  throw new MsmqCertError('usage', 'the connection string names no database', {
    hint: 'write it as postgres://user@host/database, or set PGDATABASE',
  });
}

function isEncrypted(host: string, mode = 'verify-full'): boolean {
  if (isSocket(host)) return false;
  if (mode === 'verify-full') return true;
  const loopback = isLoopback(host);
  if (mode === 'disable' && loopback) return false;
  throw new MsmqCertError('usage', `sslmode=${mode} would not prove that ${host} is the server of the database`, {
    hint: loopback
      ? 'leave it away, or on this machine alone give sslmode=disable'
      : 'leave it away or give sslmode=verify-full, and the certificate of the issuing authority with sslrootcert',
  });
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host.toLowerCase() === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

async function tlsSettings({ sslrootcert = 'system', sslcert, sslkey }: Connection): Promise<DatabaseSettings['ssl']> {
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    throw new MsmqCertError('usage', 'a client certificate for the database needs both the certificate and its key', {
      hint: 'give both sslcert and sslkey, each a PEM file',
    });
  }
  const ca =
    sslrootcert === 'system'
      ? [...getCACertificates('default'), ...getCACertificates('system')]
      : [await authorityIn(sslrootcert)];
  const own = sslcert && sslkey ? { cert: await pemOf(sslcert), key: await pemOf(sslkey) } : {};
  return { ca, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...own };
}

/** A file without one would leave nobody to trust, and the server would get the blame. */
async function authorityIn(file: string): Promise<string> {
  const pem = await pemOf(file);
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new MsmqCertError('invalid-config', `the file ${file} holds no certificate in PEM form`, {
    hint: 'name the certificate of the authority that issued the one of the database server with sslrootcert',
  });
}

async function pemOf(file: string): Promise<string> {
  return await readText(file, file, {
    hint: 'check the path and the access rights of sslrootcert, sslcert and sslkey',
  });
}
