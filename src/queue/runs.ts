import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { command } from '../advice.ts';
import { MsmqCertError, toMsmqCertError } from '../errors.ts';
import { type Asked, askedSchema, type KeyForm, keyFormSchema } from './job.ts';
import type { Queue } from './queue.ts';
import { JOBS_SCHEMA, OWN_SCHEMA } from './tables.ts';

/** What was asked for, for all its users. */
export interface QueuedRun {
  id: string;
  domain: string;
  asked: Asked;
  keys: KeyForm;
  submittedBy: string;
  begunAt: Date;
  /** Null while its jobs are being put in, or when that was cut short. */
  submittedAt: Date | null;
  cancelledAt: Date | null;
  users: number | null;
}

interface Row {
  id: string;
  domain: string;
  asked: unknown;
  keys: unknown;
  submitted_by: string;
  begun_at: Date;
  submitted_at: Date | null;
  cancelled_at: Date | null;
  users: number | null;
}

/** @throws MsmqCertError run-not-found, job-refused */
export async function readRun({ query, where }: Queue, id: string): Promise<QueuedRun> {
  const rows = z.uuid().safeParse(id).success
    ? await query<Row>(`SELECT * FROM ${OWN_SCHEMA}.runs WHERE id = $1`, [id])
    : [];
  const [row] = rows;
  if (row === undefined) {
    throw new MsmqCertError('run-not-found', `there is no run ${id} in the database ${where}`, {
      hint: `${command('queue status', [])} lists the runs`,
    });
  }
  return runFrom(row);
}

/**
 * The newest first.
 * @param onUnread told of each that cannot be read, which keeps nobody from seeing the others
 */
export async function readRuns(
  { query }: Queue,
  limit: number,
  onUnread: (error: MsmqCertError) => void,
): Promise<QueuedRun[]> {
  const rows = await query<Row>(`SELECT * FROM ${OWN_SCHEMA}.runs ORDER BY begun_at DESC, id LIMIT $1`, [limit]);
  return rows.flatMap((row) => {
    try {
      return [runFrom(row)];
    } catch (error) {
      onUnread(toMsmqCertError(error));
      return [];
    }
  });
}

function runFrom(row: Row): QueuedRun {
  const asked = askedSchema.safeParse(row.asked);
  const keys = keyFormSchema.safeParse(row.keys);
  if (!asked.success || !keys.success) {
    throw new MsmqCertError(
      'job-refused',
      `the run ${row.id} is not what this version of msmq-cert queue submit writes`,
      {
        hint: 'a newer version may have written it: update msmq-cert here; otherwise find out who else may write to the queue',
      },
    );
  }
  return {
    id: row.id,
    domain: row.domain,
    asked: asked.data,
    keys: keys.data,
    submittedBy: row.submitted_by,
    begunAt: row.begun_at,
    submittedAt: row.submitted_at,
    cancelledAt: row.cancelled_at,
    users: row.users,
  };
}

export interface NewRun {
  domain: string;
  asked: Asked;
  keys: KeyForm;
  fingerprint: string;
  submittedBy: string;
}

/**
 * Begins a run, or goes on with a submit of the same that was cut short: its id, and whether it is an old one.
 * @throws MsmqCertError run-at-work when the same was asked for and is not done yet
 */
export async function beginRun(queue: Queue, run: NewRun, isNew: boolean): Promise<{ id: string; goesOn: boolean }> {
  const { query } = queue;
  const { domain, asked, keys, fingerprint, submittedBy } = run;
  if (!isNew) await refuseAtWork(queue, run);
  const id = randomUUID();
  const inserted = await query<{ id: string }>(
    `INSERT INTO ${OWN_SCHEMA}.runs (id, domain, asked, keys, fingerprint, submitted_by)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id`,
    [id, domain, JSON.stringify(asked), JSON.stringify(keys), isNew ? id : fingerprint, submittedBy],
  );
  if (inserted.length > 0) return { id, goesOn: false };
  const [begun] = await query<{ id: string }>(
    `SELECT id FROM ${OWN_SCHEMA}.runs
     WHERE domain = $1 AND fingerprint = $2 AND submitted_at IS NULL AND cancelled_at IS NULL`,
    [domain, fingerprint],
  );
  // whoever had begun it has finished in between
  return begun === undefined ? await beginRun(queue, run, isNew) : { id: begun.id, goesOn: true };
}

async function refuseAtWork({ query }: Queue, { domain, fingerprint }: NewRun): Promise<void> {
  const [same] = await query<{ id: string }>(
    `SELECT id FROM ${OWN_SCHEMA}.runs r
     WHERE domain = $1 AND fingerprint = $2 AND submitted_at IS NOT NULL AND cancelled_at IS NULL AND EXISTS (
       SELECT FROM ${JOBS_SCHEMA}.job WHERE name = $1 AND data ->> 'run' = r.id::text AND state < 'completed')
     ORDER BY begun_at DESC LIMIT 1`,
    [domain, fingerprint],
  );
  if (same === undefined) return;
  throw new MsmqCertError('run-at-work', `the same was submitted as the run ${same.id}, which is not done yet`, {
    hint: `${command('queue status', [same.id])} shows it; --new-run submits it once more`,
  });
}

/** All jobs of the run are in the queue. */
export async function endSubmit({ query }: Queue, { id, domain }: { id: string; domain: string }): Promise<number> {
  const [row] = await query<{ users: number }>(
    `UPDATE ${OWN_SCHEMA}.runs SET submitted_at = coalesce(submitted_at, now()), users = (
       SELECT count(*) FROM ${JOBS_SCHEMA}.job WHERE name = $2 AND data ->> 'run' = $1::text)
     WHERE id = $1::uuid RETURNING users`,
    [id, domain],
  );
  return row?.users ?? 0;
}
