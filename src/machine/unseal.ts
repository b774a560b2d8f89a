import { readSealed, type SealedTo } from '../certificate/sealing/sealed.ts';
import { MsmqCertError } from '../errors.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import { PROVIDER } from '../native/windows/containers.ts';
import { decryptIn } from '../native/windows/decrypt.ts';
import { type StoredCertificate, storedCertificates } from '../native/windows/my-store.ts';

/** A recipient of a sealed file whose certificate is in a store of this machine. */
interface Found {
  to: SealedTo;
  key: StoredCertificate['key'];
}

/**
 * Opens a sealed file with the private key of its recipient, which stays in the personal store of the user or of the
 * machine. What is in the file is only ever in memory.
 * @param source names the file in errors
 * @throws MsmqCertError invalid-sealed, recipient-key-missing, key-store, no-key-access
 */
export async function unseal(calls: WindowsCalls, bytes: Buffer, source: string): Promise<Buffer> {
  const sealed = await readSealed(bytes, source);
  const found = recipientsHere(calls, sealed.sealedTo);
  if (found.length === 0) throw missing(sealed.sealedTo, source);
  const failures: unknown[] = [];
  for (const each of found) {
    try {
      const contentKey = contentKeyOf(calls, each, source);
      try {
        return sealed.open(contentKey);
      } finally {
        contentKey.fill(0);
      }
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

/** Those whose key CryptoAPI can use come first, and of these the user's own. */
function recipientsHere(calls: WindowsCalls, sealedTo: readonly SealedTo[]): Found[] {
  const inStore = (owner: 'user' | 'machine') =>
    storedCertificates(calls, owner).flatMap(({ certificate, key }) =>
      sealedTo.filter((to) => to.isFor(certificate)).map((to) => ({ to, key })),
    );
  const isUsable = ({ key }: Found) => key?.kind === 'capi';
  const own = inStore('user');
  const found = own.some(isUsable) ? own : [...own, ...inStore('machine')];
  return found.toSorted((a, b) => Number(isUsable(b)) - Number(isUsable(a)));
}

function contentKeyOf(calls: WindowsCalls, { to, key }: Found, source: string): Buffer {
  if (key === null) {
    throw new MsmqCertError('recipient-key-missing', `${to.name}, to which ${source} is sealed, has no key here`, {
      hint: 'import the certificate with its private key, as a PFX',
    });
  }
  if (key.kind === 'cng') {
    const message = `the key of ${to.name}, to which ${source} is sealed, is in "${key.provider}", which CryptoAPI cannot use`;
    throw new MsmqCertError('recipient-key-missing', message, {
      hint: `import it with certutil -csp "${PROVIDER}" -importpfx, or open the file elsewhere`,
    });
  }
  try {
    return decryptIn(calls, key.place, to.padding, to.encryptedKey);
  } catch (error) {
    if (!(error instanceof MsmqCertError)) throw error;
    const { code, message, hint, cause } = error;
    const ofMachine = 'let this account use the key (certlm.msc: Manage Private Keys), or open the file elsewhere';
    throw new MsmqCertError(code, `the key of ${to.name} does not open ${source}: ${message}`, {
      hint: code === 'no-key-access' ? hint : key.place.of === 'machine' ? ofMachine : ELSEWHERE,
      cause,
    });
  }
}

const ELSEWHERE = 'check that the file arrived byte for byte, and that the key is for encryption (AT_KEYEXCHANGE)';

function missing(sealedTo: readonly SealedTo[], source: string): MsmqCertError {
  const names = sealedTo.map(({ name }) => name).join(', or ');
  return new MsmqCertError('recipient-key-missing', `${source} is sealed to ${names}, which is in no store here`, {
    hint: 'import that certificate and its key into the personal store of this user or of the machine, or open the file where it is',
  });
}
