import { type MsmqCertError, toMsmqCertError } from '../../../errors.ts';

/** The checks in the order in which they are made: those of this machine on Windows only, those from `user` on once for each user. */
export type CheckName =
  | 'session'
  | 'profile'
  | 'keys'
  | 'msmq-service'
  | 'domain-mode'
  | 'weak-hashes'
  | 'storage'
  | 'discovery'
  | 'name-resolution'
  | 'connection'
  | 'tls'
  | 'bind'
  | 'identity'
  | 'server'
  | 'schema'
  | 'pdc-emulator'
  | 'clock'
  | 'delegation'
  | 'user'
  | 'read-rights'
  | 'write-rights'
  | 'protected-account'
  | 'room';

/** What a check found: one sentence, lower case, no period. A warning and a failure say what to do about it. */
export type Finding =
  | { status: 'ok'; message: string; hint: null }
  | { status: 'warning' | 'failed'; message: string; hint: string };

export type Check = Finding & { name: CheckName };

/** Takes the checks as they are made. */
export type Report = (check: Check) => void;

export function ok(message: string): Finding {
  return { status: 'ok', message, hint: null };
}

export function warning(message: string, hint: string): Finding {
  return { status: 'warning', message, hint };
}

export function failed(message: string, hint: string): Finding {
  return { status: 'failed', message, hint };
}

export function failure(thrown: unknown): Finding {
  const { message, hint, problems }: MsmqCertError = toMsmqCertError(thrown);
  return failed([message, ...problems].join('; '), hint ?? 'run again with --verbose');
}

/** Makes one check and reports it; what it throws is its failure. */
export async function make(report: Report, name: CheckName, look: () => Promise<Finding>): Promise<void> {
  report({ name, ...(await look().catch(failure)) });
}
