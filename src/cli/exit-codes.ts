import type { ErrorCode, MsmqCertError } from '../errors.ts';

/** The exit codes that scripts depend on. */
export const exitCodes = {
  done: 0,
  someFailed: 1,
  wrongUsage: 2,
  noDirectory: 3,
  refused: 4,
  conflict: 5,
  changed: 10,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byCode: Record<ErrorCode, ExitCode> = {
  usage: 2,
  'invalid-config': 2,
  'invalid-machine': 2,
  'invalid-subject': 2,
  'invalid-ldif': 2,
  'invalid-manifest': 2,
  'invalid-plan': 2,
  'invalid-journal': 2,
  'invalid-certificate': 2,
  'certificate-expired': 2,
  'certificate-not-rsa': 2,
  'certificate-too-large': 2,
  'private-key-in-certificate': 2,
  'invalid-pfx': 2,
  'wrong-passphrase': 2,
  'wrong-owner': 4,
  'recipient-unsuitable': 2,
  'invalid-sealed': 2,
  'recipient-key-missing': 2,
  'malformed-blob': 4,
  'user-not-found': 1,
  'user-ambiguous': 1,
  'digest-not-found': 1,
  'digest-ambiguous': 1,
  'machine-not-found': 1,
  'machines-unknown': 4,
  'digest-shared': 4,
  'directory-unreachable': 3,
  'directory-timeout': 3,
  'tls-untrusted': 3,
  'bind-refused': 3,
  'credentials-missing': 2,
  'access-denied': 1,
  referral: 3,
  'directory-busy': 3,
  'directory-limit': 4,
  'directory-schema': 3,
  'directory-error': 1,
  conflict: 5,
  'outcome-unknown': 3,
  'torn-pair': 1,
  'not-replicated': 1,
  'database-unreachable': 3,
  'database-refused': 3,
  'database-schema': 3,
  'database-error': 1,
  'package-missing': 2,
  'run-not-found': 2,
  'run-at-work': 4,
  'job-refused': 4,
  'job-too-new': 4,
  'claim-lost': 1,
  'clock-wrong': 2,
  'over-capacity': 4,
  'confirmation-needed': 4,
  'too-many-removals': 4,
  'plan-outdated': 4,
  'incomplete-backup': 4,
  'changed-since': 4,
  'too-many-failures': 1,
  'file-unreadable': 2,
  'file-unwritable': 1,
  'file-exists': 1,
  'disk-full': 1,
  'file-locked': 1,
  'key-sink-failed': 1,
  'untrusted-path': 4,
  'insecure-file-system': 4,
  'not-available': 2,
  'no-key-access': 4,
  'key-store': 1,
  'container-taken': 4,
  'signature-failed': 1,
  'msmq-refused': 1,
  interrupted: 130,
  internal: 1,
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return byCode[code];
}

/** Like a shell: 128 and the number of the signal. The error of a run that was stopped has the signal as its cause. */
export function exitCodeOfError({ code, cause }: MsmqCertError): ExitCode {
  return cause === 'SIGTERM' ? exitCodes.terminated : exitCodeOf(code);
}

/**
 * The exit code of a run over many items: the one of its failures when nothing else happened and all failed alike,
 * otherwise "some failed".
 */
export function exitCodeOfFailures(codes: readonly ErrorCode[], succeeded: number): ExitCode {
  if (codes.length === 0) return exitCodes.done;
  const [first, ...others] = [...new Set(codes.map(exitCodeOf))];
  const alike = first !== undefined && others.length === 0;
  return alike && succeeded === 0 ? first : exitCodes.someFailed;
}

/** What the exit codes mean, as the help tells it. */
export function exitCodeHelp(): string {
  return [
    'Exit codes:',
    '  0  done, also when there was nothing to do',
    '  1  some items failed',
    '  2  wrong usage or configuration',
    '  3  the directory or the database of the queue is not reachable, or refused who asked',
    '  4  refused by a guard: capacity, malformed blob, missing --yes, too many removals',
    '  5  a conflict with other writers was not resolved after the retries',
    '  10 with --detailed-exitcode only: something was changed, or with --dry-run would be',
    '  130 stopped by SIGINT, 143 by SIGTERM; the journal of the run is named, and the same command goes on',
  ].join('\n');
}
