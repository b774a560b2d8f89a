import { isSea } from 'node:sea';
import { MsmqCertError } from '../../errors.ts';
import { addonInside } from '../../native/addon.ts';

/** Where one password is kept: by the directory it opens and the name that binds there. */
export interface KeychainKey {
  directory: string;
  bind: string;
}

type Keytar = typeof import('keytar');

/**
 * The password that `login` stored, null when there is none.
 * @throws MsmqCertError not-available when this machine has no keychain that answers
 */
export async function passwordInKeychain(key: KeychainKey): Promise<string | null> {
  return await inKeychain((keytar) => keytar.getPassword(serviceOf(key), accountOf(key)));
}

/** @throws MsmqCertError not-available */
export async function storeInKeychain(key: KeychainKey, password: string): Promise<void> {
  await inKeychain((keytar) => keytar.setPassword(serviceOf(key), accountOf(key), password));
}

/**
 * Removes the password; false when there was none.
 * @throws MsmqCertError not-available
 */
export async function removeFromKeychain(key: KeychainKey): Promise<boolean> {
  return await inKeychain((keytar) => keytar.deletePassword(serviceOf(key), accountOf(key)));
}

async function inKeychain<T>(use: (keytar: Keytar) => Promise<T>): Promise<T> {
  const keytar = await loadKeytar();
  try {
    return await use(keytar);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MsmqCertError('not-available', `the keychain of this system does not answer: ${reason}`, {
      hint: `unlock it in a desktop session, or ${OTHER_WAYS}`,
      cause,
    });
  }
}

const OTHER_WAYS = 'give the password with --password-file, --password-stdin, MSMQ_CERT_PASSWORD or at the prompt';

/** Loaded on first use: it is a native module that not every machine can load, and most runs do without it. */
async function loadKeytar(): Promise<Keytar> {
  try {
    return isSea() ? (addonInside('keytar.node') as Keytar) : (await import('keytar')).default;
  } catch (cause) {
    if (cause instanceof MsmqCertError) throw cause;
    throw new MsmqCertError('not-available', 'no keychain of this system can be used', {
      hint: `on Linux install libsecret (Debian: libsecret-1-0) and keytar, or ${OTHER_WAYS}`,
      cause,
    });
  }
}

// Directory and bind names are compared without case by the directory itself, and a URL may end with a slash or not.
function serviceOf({ directory }: KeychainKey): string {
  return `msmq-cert ${directory.toLowerCase().replace(/\/+$/, '')}`;
}

function accountOf({ bind }: KeychainKey): string {
  return bind.toLowerCase();
}
