import { z } from 'zod';
import { MsmqCertError } from '../errors.ts';

/** An error report of PostgreSQL as pg throws it: `code` is the SQLSTATE (PostgreSQL manual, appendix A). */
const reportSchema = z.object({ code: z.string().regex(/^[\dA-Z]{5}$/), severity: z.string(), message: z.string() });

type Told = (problem: string, cause: unknown) => MsmqCertError;

/**
 * Any error of pg, or of a library over it, as one of ours.
 * @param where the database, as `describeDatabase` writes it
 */
export function databaseError(error: unknown, where: string): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const report = reportSchema.safeParse(error);
  if (report.success) return reported(report.data.code, report.data.message, where, error);
  const message = messageOf(error);
  const code = withCode.safeParse(error).data?.code ?? '';
  if (isTls(code, message)) return untrusted(code, message, where, error);
  if (isConnection(code, message))
    return unreachable(`the database ${where} cannot be reached: ${code || message}`, error);
  return new MsmqCertError('database-error', `the database ${where} failed: ${message}`, {
    hint: 'run again with --verbose; the log of PostgreSQL may say more',
    cause: error,
  });
}

/** @param version as server_version_num has it, for example 120007 */
export function tooOld(where: string, version: number): MsmqCertError {
  const found = Math.floor(version / 10_000);
  return new MsmqCertError('database-refused', `the database ${where} is PostgreSQL ${found}, and the queue needs 13`, {
    hint: 'use a server of version 13 or newer',
  });
}

function reported(state: string, message: string, where: string, cause: unknown): MsmqCertError {
  return (byState[state] ?? byState[state.slice(0, 2)] ?? otherwise)(`the database ${where}: ${message}`, cause);
}

const unreachable: Told = (problem, cause) =>
  new MsmqCertError('database-unreachable', problem, {
    hint: 'check that PostgreSQL runs and listens there, and try again',
    cause,
  });

const refused =
  (hint: string): Told =>
  (problem, cause) =>
    new MsmqCertError('database-refused', problem, { hint, cause });

const noSchema: Told = (problem, cause) =>
  new MsmqCertError('database-schema', problem, {
    hint: 'run msmq-cert queue init on this database, once, as its administrator',
    cause,
  });

const noRoom: Told = (problem, cause) =>
  new MsmqCertError('database-unreachable', problem, {
    hint: 'make room on the server of the database, then run the same command again',
    cause,
  });

const otherwise: Told = (problem, cause) =>
  new MsmqCertError('database-error', problem, {
    hint: 'run again with --verbose; the log of PostgreSQL may say more',
    cause,
  });

/** By SQLSTATE, or by its class, the first two characters. */
const byState: Partial<Record<string, Told>> = {
  '08': unreachable,
  '28': refused('check the user, the password and what pg_hba.conf allows'),
  '3D000': refused('create the database, or correct its name'),
  '3F000': noSchema,
  '42P01': noSchema,
  '42501': refused('give this role the rights that msmq-cert queue init prints'),
  '25006': refused('name the server that takes writes, not one that follows it'),
  '53': unreachable,
  '53100': noRoom,
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
};

const CONNECTION_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EACCES'],
]);

function isConnection(code: string, message: string): boolean {
  return (
    CONNECTION_CODES.has(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      message,
    )
  );
}

const ISSUER_CODES = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
]);

function isTls(code: string, message: string): boolean {
  return (
    ISSUER_CODES.has(code) ||
    /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/.test(code) ||
    /does not support SSL|establishing an SSL connection/.test(message)
  );
}

function untrusted(code: string, message: string, where: string, cause: unknown): MsmqCertError {
  if (/does not support SSL/.test(message)) {
    return new MsmqCertError('tls-untrusted', `the database ${where} does not speak TLS`, {
      hint: 'set ssl = on and a certificate in postgresql.conf; on this machine alone, sslmode=disable does without',
      cause,
    });
  }
  const problem = ISSUER_CODES.has(code) ? 'comes from an authority that is not trusted' : `is not good: ${message}`;
  return new MsmqCertError('tls-untrusted', `the certificate of the database ${where} ${problem}`, {
    hint: 'name the certificate of the issuing authority with sslrootcert or PGSSLROOTCERT, and the server as its certificate does',
    cause,
  });
}

const withCode = z.object({ code: z.string() });
const withMessage = z.object({ message: z.string() });

/**
 * A name with several addresses fails with one error for each, and no text of its own; pg-boss hands on the parts of an
 * error without the error.
 */
function messageOf(error: unknown): string {
  const told = error instanceof AggregateError && error.message === '' ? error.errors[0] : error;
  const parts = withMessage.safeParse(told);
  return parts.success ? parts.data.message : String(told);
}
