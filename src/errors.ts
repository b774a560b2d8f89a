/** Every code an error of this tool can carry. Scripts depend on these names: add, never rename. */
export type ErrorCode =
  // what the caller wrote
  | 'usage'
  | 'invalid-config'
  | 'invalid-machine'
  | 'invalid-subject'
  | 'invalid-ldif'
  | 'invalid-manifest'
  | 'invalid-plan'
  | 'invalid-journal'
  // certificates handed in
  | 'invalid-certificate'
  | 'certificate-expired'
  | 'certificate-not-rsa'
  | 'certificate-too-large'
  | 'private-key-in-certificate'
  | 'invalid-pfx'
  | 'wrong-passphrase'
  | 'wrong-owner'
  | 'recipient-unsuitable'
  | 'invalid-sealed'
  | 'recipient-key-missing'
  // what is in the directory
  | 'malformed-blob'
  | 'user-not-found'
  | 'user-ambiguous'
  | 'digest-not-found'
  | 'digest-ambiguous'
  | 'machine-not-found'
  | 'machines-unknown'
  | 'digest-shared'
  // the directory itself
  | 'directory-unreachable'
  | 'directory-timeout'
  | 'tls-untrusted'
  | 'bind-refused'
  | 'credentials-missing'
  | 'access-denied'
  | 'referral'
  | 'directory-busy'
  | 'directory-limit'
  | 'directory-schema'
  | 'directory-error'
  | 'conflict'
  | 'outcome-unknown'
  | 'torn-pair'
  | 'not-replicated'
  // the database of the queue
  | 'database-unreachable'
  | 'database-refused'
  | 'database-schema'
  | 'database-error'
  | 'package-missing'
  // the queue
  | 'run-not-found'
  | 'run-at-work'
  | 'job-refused'
  | 'job-too-new'
  | 'claim-lost'
  | 'clock-wrong'
  // guards
  | 'over-capacity'
  | 'confirmation-needed'
  | 'too-many-removals'
  | 'plan-outdated'
  | 'incomplete-backup'
  | 'changed-since'
  | 'too-many-failures'
  // files and the machine this runs on
  | 'file-unreadable'
  | 'file-unwritable'
  | 'file-exists'
  | 'disk-full'
  | 'file-locked'
  | 'key-sink-failed'
  | 'untrusted-path'
  | 'insecure-file-system'
  | 'not-available'
  // the key where MSMQ signs
  | 'no-key-access'
  | 'key-store'
  | 'container-taken'
  | 'signature-failed'
  | 'msmq-refused'
  | 'interrupted'
  | 'internal';

export interface ErrorDetails {
  /** What the reader can do about it: one sentence, lower case, no period at the end. */
  hint?: string;
  /** When there is more than one thing wrong: each in a line of its own. */
  problems?: readonly string[];
  cause?: unknown;
}

/**
 * The one error class. `message` is one sentence with the caller's own value in it, lower case, no period at the end;
 * it never holds a secret.
 */
export class MsmqCertError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MsmqCertError';
    this.code = code;
    this.hint = details.hint;
    this.problems = details.problems ?? [];
  }
}

/** Passes an error of ours through and wraps anything else as `internal`. */
export function toMsmqCertError(error: unknown): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new MsmqCertError('internal', `unexpected error: ${message}`, {
    hint: 'run again with --verbose and report what it prints',
    cause: error,
  });
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, …), or undefined when it is something else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
