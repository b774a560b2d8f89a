import { randomUUID } from 'node:crypto';
import { MsmqCertError } from '../../errors.ts';
import { bytesAt, foreignMemory } from '../library.ts';
import type { DataBlob, WindowsCalls } from './calls.ts';
import { deleteContainer, generateKey, placeIn, signIn } from './containers.ts';
import { demand, GOOD_LOGONS } from './failures.ts';
import { profileKind } from './session.ts';

/** CRYPTPROTECT_UI_FORBIDDEN */
const WITHOUT_QUESTIONS = 1;
/** Only tried, never used. */
const TRIAL_BITS = 1024;
const SECRET = Buffer.from('msmq-cert');

/**
 * Tells a logon that can use the keys of its own account from one that cannot (S4U, a network logon, a profile that is not
 * loaded or is thrown away), before anything is changed: with a key of its own that signs and is deleted again, and with
 * data that only this account can read.
 * @throws MsmqCertError no-key-access, key-store, disk-full
 */
export function tryKeys(calls: WindowsCalls): void {
  demandLastingProfile(calls);
  tryProtection(calls);
  const place = placeIn(`msmq-cert-trial-${randomUUID()}`);
  generateKey(calls, place, TRIAL_BITS, false);
  try {
    signIn(calls, place, 'sha512', SECRET);
  } finally {
    deleteContainer(calls, place);
  }
}

function demandLastingProfile(calls: WindowsCalls): void {
  const kind = profileKind(calls);
  if (kind === 'usual') return;
  const why = kind === 'temporary' ? 'a temporary one' : 'a mandatory one';
  throw new MsmqCertError('no-key-access', `the profile of this account is ${why}, so a key would be lost at logoff`, {
    hint:
      kind === 'temporary'
        ? 'mend the profile of the account, so that Windows loads it and not a temporary one'
        : 'give the account a profile that keeps changes',
  });
}

/** Keys of users are encrypted by this (DPAPI), which a logon without the password cannot use. */
function tryProtection(calls: WindowsCalls): void {
  const doing = 'this logon cannot use the protected data of its own account';
  const sealed = withData(calls, SECRET, (data, out) => {
    demand(calls, calls.protect(data, null, null, null, null, WITHOUT_QUESTIONS, out), doing, 'CryptProtectData');
  });
  const opened = withData(calls, sealed, (data, out) => {
    demand(calls, calls.unprotect(data, null, null, null, null, WITHOUT_QUESTIONS, out), doing, 'CryptUnprotectData');
  });
  if (opened.equals(SECRET)) return;
  throw new MsmqCertError('no-key-access', `${doing}: what was protected comes back changed`, { hint: GOOD_LOGONS });
}

function withData(calls: WindowsCalls, bytes: Buffer, call: (data: DataBlob, out: DataBlob) => void): Buffer {
  const memory = foreignMemory(calls.koffi);
  const out: DataBlob = {};
  try {
    call({ cbData: bytes.length, pbData: memory.hold(bytes) }, out);
    return bytesAt(calls.koffi, out.pbData ?? null, out.cbData ?? 0);
  } finally {
    memory.free();
    if (out.pbData) calls.localFree(out.pbData);
  }
}
