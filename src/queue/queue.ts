import type { PgBoss } from 'pg-boss';
import { MsmqCertError } from '../errors.ts';
import { type DatabaseSettings, describeDatabase, openDatabase } from './database.ts';
import { databaseError } from './database-errors.ts';
import { loadPgBoss } from './packages.ts';
import { JOBS_SCHEMA, JOBS_VERSION, noTables, OWN_SCHEMA, otherTables, TABLES_VERSION } from './tables.ts';

/** The queue in a PostgreSQL database, open. */
export interface Queue {
  boss: PgBoss;
  /** For messages. */
  readonly where: string;
  /** @throws MsmqCertError what databaseError makes of it */
  query<T>(sql: string, values?: readonly unknown[]): Promise<T[]>;
  /** What pg-boss says, with its failures told as ours. */
  ask<T>(question: (boss: PgBoss) => Promise<T>): Promise<T>;
  /** Told of each failure of a connection in the background; the next try may succeed. */
  onTrouble(tell: (error: MsmqCertError) => void): void;
  close(): Promise<void>;
}

/**
 * `administer` makes the tables; `use` only reads and writes them. A worker stands in the list of workers, and takes part
 * in noticing that others are gone.
 */
export type Part = { kind: 'administer' } | { kind: 'use' } | { kind: 'work'; name: string; connections: number };

/** How soon a worker that shows no life loses its jobs, and how often it is looked for such. */
export const HEARTBEAT_S = 10;
const LOOK_EVERY_S = 2;

/** How often a worker says that it is there; only then others learn which jobs it works on. */
const SIGN_OF_LIFE_S = 2;

/** @throws MsmqCertError database-schema, package-missing, and what openDatabase throws */
export async function openQueue(settings: DatabaseSettings, part: Part): Promise<Queue> {
  const where = describeDatabase(settings);
  const pool = await openDatabase(settings, part.kind === 'work' ? part.connections : 4);
  const asOurs = (error: unknown) => (error instanceof MsmqCertError ? error : databaseError(error, where));
  const listeners: ((error: MsmqCertError) => void)[] = [];
  const query = async <T>(sql: string, values: readonly unknown[] = []): Promise<T[]> => {
    try {
      const { rows } = await pool.query(sql, [...values]);
      return rows;
    } catch (error) {
      throw asOurs(error);
    }
  };
  try {
    const { PgBoss } = await loadPgBoss();
    const boss = new PgBoss({
      db: { executeSql: async (text, values) => await pool.query(text, values) },
      schema: JOBS_SCHEMA,
      migrate: part.kind === 'administer',
      createSchema: part.kind === 'administer',
      supervise: part.kind === 'work',
      schedule: false,
      registerInstance: part.kind === 'work',
      ...(part.kind === 'work' && { instanceName: part.name }),
      instanceHeartbeatSeconds: SIGN_OF_LIFE_S,
      superviseIntervalSeconds: LOOK_EVERY_S,
      monitorIntervalSeconds: LOOK_EVERY_S,
      reindex: false,
      monitorVacuum: false,
    });
    boss.on('error', (error) => {
      // pg-boss names one of its lanes, which tells the reader nothing
      error.message = error.message.replace(/ \(Queue: [^()]*, Worker: [^()]*\)$/, '');
      for (const tell of listeners) tell(asOurs(error));
    });
    if (part.kind !== 'administer') await requireTables(query, where);
    else await refuseNewerJobs(query);
    await boss.start().catch((error) => {
      throw asSchemaError(error, asOurs);
    });
    return {
      boss,
      where,
      query,
      ask: async (question) => {
        try {
          return await question(boss);
        } catch (error) {
          throw asOurs(error);
        }
      },
      onTrouble: (tell) => listeners.push(tell),
      async close() {
        await boss.stop({ graceful: false }).catch(() => {});
        await pool.end();
      },
    };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** @throws MsmqCertError database-schema */
async function requireTables(query: Queue['query'], where: string): Promise<void> {
  const [found] = await query<{ name: string | null }>(`SELECT to_regclass('${OWN_SCHEMA}.about') AS name`);
  if (found?.name == null) throw noTables(where);
  const [about] = await query<{ version: number }>(`SELECT version FROM ${OWN_SCHEMA}.about`);
  if (about?.version !== TABLES_VERSION) throw otherTables(about?.version ?? 0);
}

/** pg-boss would take tables of a newer one for its own. */
async function refuseNewerJobs(query: Queue['query']): Promise<void> {
  const [found] = await query<{ name: string | null }>(`SELECT to_regclass('${JOBS_SCHEMA}.version') AS name`);
  if (found?.name == null) return;
  const [jobs] = await query<{ version: number }>(`SELECT version FROM ${JOBS_SCHEMA}.version`);
  if (jobs !== undefined && jobs.version > JOBS_VERSION) throw otherVersion(`its tables have version ${jobs.version}`);
}

/** pg-boss refuses tables of another version of itself with a plain Error. */
function asSchemaError(error: unknown, asOurs: (error: unknown) => MsmqCertError): MsmqCertError {
  if (!(error instanceof Error) || !/migrat|not installed|version/i.test(error.message)) return asOurs(error);
  return otherVersion(error.message, error);
}

function otherVersion(problem: string, cause?: unknown): MsmqCertError {
  return new MsmqCertError('database-schema', `the queue was made by another version: ${problem}`, {
    hint: 'use one version of msmq-cert and pg-boss everywhere; queue init of a newer one brings the tables up to date',
    cause,
  });
}
