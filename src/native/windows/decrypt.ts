import type { WindowsCalls } from './calls.ts';
import { type KeyPlace, lengthOf, withKey } from './containers.ts';
import { demand } from './failures.ts';

/** CRYPT_OAEP, with SHA-1; without it PKCS #1 v1.5 */
const FLAGS = { oaep: 0x40, pkcs1: 0 } as const;

/**
 * Decrypts a few bytes with an RSA key where it is; it need not be exportable.
 * @throws MsmqCertError key-store, no-key-access
 */
export function decryptIn(
  calls: WindowsCalls,
  place: KeyPlace,
  padding: keyof typeof FLAGS,
  encrypted: Uint8Array,
): Buffer {
  return withKey(calls, place, (key) => {
    // CryptoAPI has the least significant byte first
    const data = Buffer.from(encrypted).reverse();
    const length = lengthOf(data.length);
    const decrypted = calls.decrypt(key, null, 1, FLAGS[padding], data, length);
    demand(calls, decrypted, `the key in "${place.container}" does not decrypt`, 'CryptDecrypt');
    return data.subarray(0, length.readUInt32LE());
  });
}
