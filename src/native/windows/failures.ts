import { type ErrorCode, MsmqCertError } from '../../errors.ts';
import type { WindowsCalls } from './calls.ts';

/** What a failed call of Windows means to the user, by its number in winerror.h. */
interface Meaning {
  code: ErrorCode;
  /** The end of a sentence. */
  problem: string;
  hint: string;
}

/** What to do when a logon cannot use the keys of its own account. */
export const GOOD_LOGONS =
  'run it in a session of the user, or as a scheduled task with a stored password, so that the profile is loaded and the password is known to Windows';

const NO_KEYS: Omit<Meaning, 'problem'> = { code: 'no-key-access', hint: GOOD_LOGONS };

const MEANINGS: Readonly<Record<number, Meaning>> = {
  // ERROR_FILE_NOT_FOUND, NTE_BAD_KEYSET_PARAM has none of its own
  [0x2]: { ...NO_KEYS, problem: 'the profile of this account is not loaded' },
  [0x5]: { code: 'key-store', problem: 'access is denied', hint: 'the store or the key belongs to another account' },
  [0x13]: { code: 'key-store', problem: 'the disk is write-protected', hint: 'make the profile of the user writable' },
  [0x70]: {
    code: 'disk-full',
    problem: 'the disk is full',
    hint: 'free room on the disk that has the profile of the user',
  },
  // NTE_BAD_SIGNATURE, NTE_BAD_DATA, NTE_BAD_KEY
  [0x80090003]: {
    code: 'key-store',
    problem: 'the key is damaged',
    hint: 'uninstall the certificate and install it again',
  },
  [0x80090005]: {
    code: 'key-store',
    problem: 'the data is damaged',
    hint: 'uninstall the certificate and install it again',
  },
  // NTE_BAD_ALGID
  [0x80090008]: {
    code: 'key-store',
    problem: 'the provider of the key does not know SHA-512',
    hint: 'import the key with msmq-cert install, into Microsoft Enhanced RSA and AES Cryptographic Provider',
  },
  // NTE_NO_KEY, NTE_BAD_KEYSET, NTE_KEYSET_NOT_DEF
  [0x8009000d]: {
    code: 'key-store',
    problem: 'the container has no such key',
    hint: 'uninstall the certificate and install it again',
  },
  [0x80090016]: {
    code: 'key-store',
    problem: 'the key container is gone',
    hint: 'uninstall the certificate and install it again',
  },
  [0x80090019]: {
    code: 'key-store',
    problem: 'the provider of the key is not there',
    hint: 'import the key with msmq-cert install',
  },
  // NTE_PERM: what practitioners see from a network logon
  [0x80090010]: { ...NO_KEYS, problem: 'this is a network logon, which cannot use the keys of the account' },
  // NTE_TOKEN_KEYSET_STORAGE_FULL
  [0x80090023]: { code: 'disk-full', problem: 'the store of keys is full', hint: 'remove keys that nobody uses' },
  // NTE_TEMPORARY_PROFILE
  [0x80090024]: {
    code: 'no-key-access',
    problem: 'the profile of this account is a temporary one',
    hint: 'mend the profile of the account, so that Windows loads it and not a temporary one',
  },
  // NTE_SILENT_CONTEXT
  [0x80090022]: { ...NO_KEYS, problem: 'the key asks for a confirmation on the screen' },
  // ERROR_NO_SUCH_LOGON_SESSION, SEC_E_NO_CREDENTIALS, ERROR_NOT_LOGGED_ON
  [0x520]: { ...NO_KEYS, problem: 'this logon (S4U) has no password, so its keys stay locked' },
  [0x8009030e]: { ...NO_KEYS, problem: 'this logon has no credentials, so its keys stay locked' },
  // NTE_BAD_KEY_STATE: what DPAPI answers to a logon without the password
  [0x8009000b]: { ...NO_KEYS, problem: 'this logon (S4U) has no password, so its keys stay locked' },
};

/**
 * The error for a call that failed.
 * @param doing what was tried, as the start of a sentence: "the key cannot be imported"
 */
export function windowsFailed(doing: string, call: string, status: number): MsmqCertError {
  const number = `0x${(status >>> 0).toString(16).padStart(8, '0')}`;
  const meaning = MEANINGS[status >>> 0];
  const cause = new Error(`${call} failed with ${number}`);
  if (meaning === undefined) {
    return new MsmqCertError('key-store', `${doing}: ${call} failed with ${number}`, {
      hint: `certutil -error ${number} says what Windows means by it`,
      cause,
    });
  }
  return new MsmqCertError(meaning.code, `${doing}: ${meaning.problem} (${number})`, { hint: meaning.hint, cause });
}

/** Throws what GetLastError says unless the call succeeded. */
export function demand(calls: WindowsCalls, succeeded: unknown, doing: string, call: string): void {
  if (succeeded) return;
  throw windowsFailed(doing, call, calls.lastError());
}
