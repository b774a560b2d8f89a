import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, readdirSync } from 'node:fs';
import { appendFile, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { makeIdentity } from '../directory/active-directory/stand-in.ts';

const execFileAsync = promisify(execFile);

/** A PostgreSQL server of its own, with a superuser `lab` and a database `lab`. */
export interface PostgresLab {
  /** The folder of its Unix socket, where everybody who can enter is let in: the tests' own account and root. */
  socketFolder: string;
  /** On 127.0.0.1, with TLS and without, by password. */
  port: number;
  user: 'lab';
  database: 'lab';
  password: string;
  /** The certificate of the authority that issued the server's. */
  caFile: string;
  /** As `--database` takes it: over the socket, and over TLS without a password. */
  connectionStrings: { socket: string; tls: string };
  /** Starts it again after `halt`. */
  start(): Promise<void>;
  /** Ends the server and keeps its data. `immediate` is a crash: it recovers from its log at the next start. */
  halt(how?: Shutdown): Promise<void>;
  restart(how?: Shutdown): Promise<void>;
  /** Runs one statement, or several with `;`, with psql, and returns the rows, columns separated by `|`. */
  psql(sql: string, database?: string): Promise<string>;
  /** Ends the server and removes all of it. */
  stop(): Promise<void>;
}

export type Shutdown = 'fast' | 'immediate';

const shutdownSignal = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/**
 * Starts one, in about two seconds, in a temporary folder. It ends with `stop`, and with this process, however that ends.
 * Suites that use it cannot run where `findPostgres` throws.
 */
export async function startPostgres(): Promise<PostgresLab> {
  const programs = findPostgres();
  const owner = unprivileged();
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-pg-'));
  const password = randomBytes(12).toString('hex');
  const lab = labIn(programs, owner, folder, password, await freePort());
  try {
    await chown(folder, owner.uid, owner.gid);
    await initialise(programs, owner, folder, password);
    await lab.start();
    await lab.psql('create database lab', 'postgres');
    return lab;
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** The folder of the newest PostgreSQL programs of this machine. */
function findPostgres(): string {
  const base = '/usr/lib/postgresql';
  const versions = listed(base)
    .filter((name) => listed(join(base, name, 'bin')).includes('initdb'))
    .sort((one, other) => Number(other) - Number(one));
  if (versions[0] === undefined) throw new Error(`there is no PostgreSQL in ${base}: install the package postgresql`);
  return join(base, versions[0], 'bin');
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

interface Owner {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): Owner {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? uid };
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function initialise(programs: string, owner: Owner, folder: string, password: string): Promise<void> {
  await writeOwned(join(folder, 'password'), password, owner);
  const words = ['--pgdata', join(folder, 'data'), '--username', 'lab', '--pwfile', join(folder, 'password')];
  const rest = ['--auth-local', 'trust', '--auth-host', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8'];
  const options = { ...owner, cwd: folder };
  await execFileAsync(join(programs, 'initdb'), [...words, ...rest, '--no-sync'], options);

  const authority = makeIdentity();
  const server = makeIdentity({
    issuer: authority,
    names: [
      { type: 7, ip: '127.0.0.1' },
      { type: 2, value: 'localhost' },
    ],
  });
  await writeFile(join(folder, 'ca.pem'), authority.cert);
  await writeOwned(join(folder, 'data', 'server.crt'), server.cert, owner);
  await writeOwned(join(folder, 'data', 'server.key'), server.key, owner);
  const settings = {
    ssl: 'on',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: `'${folder}'`,
    max_connections: '60',
    shared_buffers: '32MB',
    lc_messages: "'C.UTF-8'",
    log_destination: 'stderr',
    logging_collector: 'off',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  await appendFile(join(folder, 'data', 'postgresql.conf'), lines.join(''));
}

async function writeOwned(path: string, text: string, { uid, gid }: Owner): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  chownSync(path, uid, gid);
}

/** Nobody else asks for it in between: the system gives out the ports round about. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function labIn(programs: string, owner: Owner, folder: string, password: string, port: number): PostgresLab {
  let server: ChildProcess | null = null;

  async function start(): Promise<void> {
    if (server !== null) throw new Error('this PostgreSQL runs already');
    server = await serve(programs, owner, folder, port);
  }

  async function halt(how: Shutdown = 'fast'): Promise<void> {
    const running = server;
    server = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(shutdownSignal[how]);
    await ended;
  }

  return {
    socketFolder: folder,
    port,
    user: 'lab',
    database: 'lab',
    password,
    caFile: join(folder, 'ca.pem'),
    connectionStrings: {
      socket: `host=${folder} port=${port} user=lab dbname=lab`,
      tls: `postgres://lab@127.0.0.1:${port}/lab?sslrootcert=${encodeURIComponent(join(folder, 'ca.pem'))}`,
    },
    start,
    halt,
    restart: async (how) => {
      await halt(how);
      await start();
    },
    psql: async (sql, database = 'lab') => {
      const connection = ['-h', folder, '-p', String(port), '-U', 'lab', '-d', database];
      const words = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql];
      const { stdout } = await execFileAsync(join(programs, 'psql'), [...connection, ...words]);
      return stdout.trimEnd();
    },
    stop: async () => {
      await halt('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The kernel ends it with a SIGQUIT, its immediate shutdown, when this process is gone. */
async function serve(programs: string, { uid, gid }: Owner, folder: string, port: number): Promise<ChildProcess> {
  const become = process.getuid?.() === 0 ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
  const command = [join(programs, 'postgres'), '-D', join(folder, 'data'), '-p', String(port)];
  const server = spawn('setpriv', ['--pdeathsig', 'QUIT', ...become, ...command], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const seen: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      seen.push(line);
      if (seen.length > 50) seen.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${seen.join('\n')}`)));
  });
  return server;
}
