import { MsmqCertError } from '../errors.ts';

/** The schema of the tables of this project, and that of pg-boss. */
export const OWN_SCHEMA = 'msmq_cert';
export const JOBS_SCHEMA = 'msmq_cert_jobs';

/** Of {@link CREATE_TABLES}. */
export const TABLES_VERSION = 1;

/** Of the tables of the pg-boss that `queuePackages` pins. */
export const JOBS_VERSION = 46;

/**
 * `runs`: what was asked for, once for all its users. `swaps`: what workers were about to write over what, written down
 * before each write, so that any of them can tell what another one has done, and put it back. `rates`: how often all
 * workers together have written, as rate-limiter-flexible keeps it.
 */
export const CREATE_TABLES = `
  CREATE SCHEMA IF NOT EXISTS ${OWN_SCHEMA};
  CREATE TABLE IF NOT EXISTS ${OWN_SCHEMA}.about (version int NOT NULL);
  INSERT INTO ${OWN_SCHEMA}.about SELECT ${TABLES_VERSION} WHERE NOT EXISTS (SELECT FROM ${OWN_SCHEMA}.about);
  CREATE TABLE IF NOT EXISTS ${OWN_SCHEMA}.runs (
    id uuid PRIMARY KEY,
    domain text NOT NULL,
    asked jsonb NOT NULL,
    keys jsonb NOT NULL,
    fingerprint text NOT NULL,
    submitted_by text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    cancelled_at timestamptz,
    users int
  );
  CREATE UNIQUE INDEX IF NOT EXISTS one_submit_at_once ON ${OWN_SCHEMA}.runs (domain, fingerprint)
    WHERE submitted_at IS NULL AND cancelled_at IS NULL;
  CREATE TABLE IF NOT EXISTS ${OWN_SCHEMA}.swaps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES ${OWN_SCHEMA}.runs,
    user_key text NOT NULL,
    worker text NOT NULL,
    intent jsonb NOT NULL,
    outcome jsonb
  );
  CREATE INDEX IF NOT EXISTS swaps_of_user ON ${OWN_SCHEMA}.swaps (run, user_key);
  CREATE TABLE IF NOT EXISTS ${OWN_SCHEMA}.rates (key varchar(255) PRIMARY KEY, points int NOT NULL DEFAULT 0, expire bigint);
`;

/**
 * Once pg-boss has made its tables: what is asked of them is asked by run, and after many jobs came in, the planner of
 * PostgreSQL has to learn of them. Until it does by itself, up to a minute later, getting one of 100,000 jobs takes 70 ms
 * instead of 1. Only the owner of a table may tell it to, which is what SECURITY DEFINER is for.
 */
export const FINISH_TABLES = `
  CREATE INDEX IF NOT EXISTS jobs_of_run ON ${JOBS_SCHEMA}.job ((data ->> 'run'), state);
  CREATE OR REPLACE FUNCTION ${OWN_SCHEMA}.note_jobs() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'BEGIN ANALYZE ${JOBS_SCHEMA}.job_common; END';
  REVOKE ALL ON FUNCTION ${OWN_SCHEMA}.note_jobs() FROM PUBLIC;
`;

/** The SQL that lets two roles do what each has to, and no more. */
export function grants(submitter: string, worker: string): string[] {
  const [submits, works] = [submitter, worker].map(quoted);
  return [
    `GRANT USAGE ON SCHEMA ${OWN_SCHEMA}, ${JOBS_SCHEMA} TO ${submits}, ${works};`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${OWN_SCHEMA}, ${JOBS_SCHEMA} TO ${submits}, ${works};`,
    `GRANT INSERT, UPDATE (submitted_at, users) ON ${OWN_SCHEMA}.runs TO ${submits};`,
    `GRANT UPDATE (cancelled_at) ON ${OWN_SCHEMA}.runs TO ${works};`,
    `GRANT INSERT ON ${JOBS_SCHEMA}.job, ${JOBS_SCHEMA}.job_common TO ${submits};`,
    `GRANT EXECUTE ON FUNCTION ${OWN_SCHEMA}.note_jobs() TO ${submits};`,
    `GRANT INSERT, UPDATE (outcome) ON ${OWN_SCHEMA}.swaps TO ${works};`,
    `GRANT INSERT, UPDATE, DELETE ON ${OWN_SCHEMA}.rates TO ${works};`,
    `GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${JOBS_SCHEMA} TO ${works};`,
  ];
}

function quoted(role: string): string {
  return `"${role.replaceAll('"', '""')}"`;
}

export function otherTables(found: number): MsmqCertError {
  return new MsmqCertError(
    'database-schema',
    `the queue has tables of version ${found}, and this program knows ${TABLES_VERSION}`,
    {
      hint: 'use the version of msmq-cert whose queue init made them, or a newer one, everywhere',
    },
  );
}

export function noTables(where: string): MsmqCertError {
  return new MsmqCertError('database-schema', `there is no queue in the database ${where}`, {
    hint: 'somebody who may create schemas there runs msmq-cert queue init once',
  });
}
