import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runMsmqCert } from '../cli/msmq-cert.ts';
import { type PostgresLab, startPostgres } from '../support/postgres-lab.ts';
import { reaching } from './command-line.ts';
import { type Lab, launchLab, runAdLab } from './lab.ts';

/** A domain controller that writes down each write, and a queue whose turns to write are written down. */
export interface QueueGround {
  lab: Lab;
  postgres: PostgresLab;
  /** The variables that lead to the queue. */
  env: Record<string, string>;
  /** The options that lead to the domain controller. */
  reaching: string[];
  restartDomainController(): Promise<void>;
  stopDomainController(): Promise<void>;
  /** What was written to the certificates of users since, in order, as the domain controller tells it. */
  writesSince(since: Date): Promise<Write[]>;
  /**
   * When a worker was let write since, over all of them, in order; in milliseconds. `from` is by the clock of the worker,
   * put off by the same for all; `at` is when the database had it.
   */
  turnsSince(since: Date): Promise<{ from: number; at: number }[]>;
  /** The rows, columns separated by `|`. */
  ask(sql: string): Promise<string[]>;
  stop(): Promise<void>;
}

export interface Write {
  /** Of the domain controller, in milliseconds. */
  at: number;
  /** The common name of the user. */
  user: string;
  hasTaken: boolean;
}

/** Puts a run into the queue, such as `register alice --machine PC-1`, and returns its id. */
export async function submit({ env, reaching }: QueueGround, ...words: string[]): Promise<string> {
  const submitted = await runMsmqCert(['queue', 'submit', ...words, '--json', ...reaching], { env });
  assert.equal(submitted.code, 0, submitted.stderr);
  return JSON.parse(submitted.stdout).run;
}

/** How many users of a run stand how, such as `corp.example completed 40`. */
export async function statesOf(run: string, { ask }: QueueGround): Promise<string[]> {
  return await ask(
    `SELECT name || ' ' || state || ' ' || count(*) FROM msmq_cert_jobs.job WHERE data ->> 'run' = '${run}'
     GROUP BY name, state ORDER BY 1`,
  );
}

/** With plain users user0001, … */
export async function startQueueGround(users: number): Promise<QueueGround> {
  const postgres = await startPostgres();
  const lab = await launchLab(['--users', String(users)], process.pid);
  const env = { MSMQ_CERT_DATABASE: postgres.connectionStrings.socket };
  const ask = async (sql: string) => {
    const rows = await postgres.psql(sql);
    return rows === '' ? [] : rows.split('\n');
  };
  const ground: QueueGround = {
    lab,
    postgres,
    env,
    reaching: reaching(lab),
    ask,
    restartDomainController: async () => {
      await runAdLab(['start-dc', '--dir', lab.dir, '1']);
    },
    stopDomainController: async () => {
      await runAdLab(['stop-dc', '--dir', lab.dir, '1']);
    },
    writesSince: (since) => writesIn(join(lab.dir, 'dc1', 'samba.log'), since.getTime()),
    turnsSince: async (since) => {
      const turns = await ask(
        `SELECT until, extract(epoch FROM at) * 1000 FROM turns WHERE at >= '${since.toISOString()}' ORDER BY at`,
      );
      return turns.map((turn) => {
        const [from = 0, at = 0] = turn.split('|').map(Number);
        return { from, at };
      });
    },
    async stop() {
      await postgres.stop();
      await runAdLab(['down', '--dir', lab.dir]);
    },
  };
  try {
    await tellWrites(ground);
    await initialise(ground);
    return ground;
  } catch (error) {
    await ground.stop();
    throw error;
  }
}

async function tellWrites({ lab, restartDomainController }: QueueGround): Promise<void> {
  const file = join(lab.dir, 'dc1', 'smb.conf');
  await appendFile(file, '\n[global]\n  log level = 1 dsdb_json_audit:5\n');
  await restartDomainController();
}

async function initialise({ env, postgres }: QueueGround): Promise<void> {
  const made = await runMsmqCert(['queue', 'init', '--domain', 'corp.example'], { env });
  if (made.code !== 0) throw new Error(made.stderr);
  // rate-limiter-flexible counts refused tries too: only those up to the limit are turns
  await postgres.psql(`
    CREATE TABLE turns (until bigint NOT NULL, at timestamptz NOT NULL);
    CREATE FUNCTION note_turn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.points <= 1 THEN INSERT INTO public.turns VALUES (NEW.expire, clock_timestamp()); END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER note_turn AFTER INSERT OR UPDATE ON msmq_cert.rates FOR EACH ROW EXECUTE FUNCTION note_turn();`);
}

/** Samba notes each change as one line of JSON. */
async function writesIn(log: string, since: number): Promise<Write[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes('"dsdbChange"'));
  const writes = lines.flatMap((line): Write[] => {
    const { timestamp, dsdbChange } = JSON.parse(line.slice(line.indexOf('{')));
    const { dn, operation, statusCode, attributes } = dsdbChange;
    if (operation !== 'Modify' || attributes?.mSMQSignCertificates === undefined) return [];
    const [, user = ''] = /^CN=([^,]+)/i.exec(dn) ?? [];
    return [{ at: Date.parse(timestamp), user, hasTaken: statusCode === 0 }];
  });
  return writes.filter(({ at }) => at >= since).sort((a, b) => a.at - b.at);
}
