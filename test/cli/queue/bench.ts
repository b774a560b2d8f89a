import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFolder } from '../../certificate/support.ts';
import type { PostgresLab } from '../../support/postgres-lab.ts';
import { type Invocation, type Outcome, runMsmqCert, startMsmqCert } from '../msmq-cert.ts';

/** A folder with users in an LDIF file, and a queue of their domain in a database of its own. */
export interface Bench {
  folder: string;
  /** As --database takes it. */
  database: string;
  run(words: string[], invocation?: Invocation): Promise<Outcome>;
  start(words: string[], invocation?: Invocation): ReturnType<typeof startMsmqCert>;
  /** Runs `queue submit register` and the rest, and returns the id of the run. */
  submit(words: string[], invocation?: Invocation): Promise<string>;
  /** A worker with `--out` of this name. */
  work(out: string, words?: string[], invocation?: Invocation): Promise<Outcome>;
  sql(statement: string): Promise<string>;
  /** Puts a job in as somebody would who has the rights of the submitter and does not use this program. */
  insertJob(data: unknown): Promise<string>;
  /** All that the database holds, as text. */
  dump(): Promise<string>;
  /** The file of the directory. */
  users(): Promise<string>;
}

export const DOMAIN = 'corp.example';
export const SERVICES = 'OU=Services,DC=corp,DC=example';

/** user0 and every second one are in OU=Services, the others in OU=Staff. */
export function dnOf(number: number): string {
  return `CN=user${number},OU=${number % 2 === 0 ? 'Services' : 'Staff'},DC=corp,DC=example`;
}

/** A worker that does not end would keep the tests from ending. */
const LONGEST_MS = 90_000;

export const WORK = ['queue', 'work', '--base-dn', 'DC=corp,DC=example'];

/** Makes the queue once, in the database that the benches are copied from. */
export async function initialise(lab: PostgresLab): Promise<void> {
  const outcome = await runMsmqCert(['queue', 'init', '--domain', DOMAIN], {
    env: { MSMQ_CERT_DATABASE: lab.connectionStrings.socket },
  });
  if (outcome.code !== 0) throw new Error(outcome.stderr);
}

export async function withBench(lab: PostgresLab, users: number, work: (bench: Bench) => Promise<void>): Promise<void> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  await lab.psql(`CREATE DATABASE ${name} TEMPLATE lab`, 'postgres');
  await withFolder(async (folder) => {
    const records = Array.from(
      { length: users },
      (_, number) => `dn: ${dnOf(number)}\nobjectClass: user\nsAMAccountName: user${number}\n`,
    );
    await writeFile(join(folder, 'users.ldif'), records.join('\n'));
    await work(benchIn(lab, folder, name));
  });
}

function benchIn(lab: PostgresLab, folder: string, name: string): Bench {
  const database = lab.connectionStrings.socket.replace('dbname=lab', `dbname=${name}`);
  const invocationOf = ({ env, ...rest }: Invocation = {}): Invocation => ({
    cwd: folder,
    ...rest,
    env: { MSMQ_CERT_DATABASE: database, MSMQ_CERT_DIRECTORY: 'ldif:users.ldif', ...env },
  });
  const run = (words: string[], invocation?: Invocation) =>
    runMsmqCert(words, { under: ['timeout', '--kill-after=5', `${LONGEST_MS / 1000}`], ...invocationOf(invocation) });
  const sql = (statement: string) => lab.psql(statement, name);
  return {
    folder,
    database,
    run,
    start(words, invocation) {
      const child = startMsmqCert(words, invocationOf(invocation));
      const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
      child.once('exit', () => clearTimeout(timer));
      return child;
    },
    async submit(words, invocation) {
      const { code, stdout, stderr } = await run(['queue', 'submit', 'register', ...words, '--json'], invocation);
      if (code !== 0) throw new Error(`queue submit ended with ${code}: ${stderr}`);
      return JSON.parse(stdout).run;
    },
    work: (out, words = [], invocation) => run([...WORK, '--until-empty', '--out', out, ...words], invocation),
    sql,
    async insertJob(data) {
      const id = randomUUID();
      const text = JSON.stringify(data).replaceAll("'", "''");
      await sql(
        `INSERT INTO msmq_cert_jobs.job (id, name, data, policy, singleton_key, dead_letter, retry_limit, heartbeat_seconds)
         VALUES ('${id}', '${DOMAIN}', '${text}', 'singleton', '${id}', '${DOMAIN}/dead', 100, 10)`,
      );
      return id;
    },
    dump: async () =>
      [
        await sql('SELECT to_jsonb(r) FROM msmq_cert.runs r'),
        await sql('SELECT to_jsonb(s) FROM msmq_cert.swaps s'),
        await sql('SELECT to_jsonb(j) FROM msmq_cert_jobs.job j'),
      ].join('\n'),
    users: () => readFile(join(folder, 'users.ldif'), 'utf8'),
  };
}

/** What went wrong, without hints and without what a worker says of itself. */
export function errorsIn({ stderr }: Outcome): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('error'));
}
