import type { KerberosFailure, KerberosProblem } from './problems.ts';
import type { SspiLibrary } from './sspi-library.ts';

/** SECURITY_STATUS, as winerror.h has them. */
const STATUS: Readonly<Record<number, KerberosProblem>> = {
  // SEC_E_TARGET_UNKNOWN
  [0x80090303]: 'service-unknown',
  // SEC_E_UNKNOWN_CREDENTIALS, SEC_E_NO_CREDENTIALS
  [0x8009030d]: 'no-ticket',
  [0x8009030e]: 'no-ticket',
  // SEC_E_NO_AUTHENTICATING_AUTHORITY
  [0x80090311]: 'kdc-unreachable',
  // SEC_E_CONTEXT_EXPIRED
  [0x80090317]: 'ticket-expired',
  // SEC_E_TIME_SKEW
  [0x80090324]: 'clock-skew',
};

/** FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS */
const OF_THE_SYSTEM = 0x1200;
const CHARACTERS = 1024;

/** What a failed call says: what it means by its number, and the words of Windows for the reader of the rest. */
export function sspiFailure(sspi: SspiLibrary, status: number): KerberosFailure {
  const text = Buffer.alloc(CHARACTERS * 2);
  const length = sspi.formatMessage(OF_THE_SYSTEM, null, status >>> 0, 0, text, CHARACTERS, null);
  return {
    problem: problemOfStatus(status),
    library: 'sspi',
    status: `0x${(status >>> 0).toString(16)}`,
    words: text.toString('utf16le', 0, length * 2),
  };
}

export function problemOfStatus(status: number): KerberosProblem {
  return STATUS[status >>> 0] ?? 'other';
}
