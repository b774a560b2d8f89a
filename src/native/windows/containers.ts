import type { JsonWebKey } from 'node:crypto';
import { MsmqCertError } from '../../errors.ts';
import type { Pointer } from '../library.ts';
import type { WindowsCalls } from './calls.ts';
import { demand, windowsFailed } from './failures.ts';
import { KEY_SPECS, type KeySpec, privateKeyBlob, publicKeyOf } from './key-blobs.ts';

/** The CryptoAPI provider that signs with SHA-256 and SHA-512 (specification §4). */
export const PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider';
/** PROV_RSA_AES */
export const PROVIDER_TYPE = 24;

/** Where a private key is: CryptoAPI names it by these. */
export interface KeyPlace {
  container: string;
  provider: string;
  providerType: number;
  keySpec: KeySpec;
  /** Whose containers it is among. */
  of: 'user' | 'machine';
}

/** CALG_SHA1 and so on. */
const HASHES = { sha1: 0x8004, sha256: 0x800c, sha384: 0x800d, sha512: 0x800e } as const;

const NEW_KEYSET = 0x8;
const DELETE_KEYSET = 0x10;
/** CRYPT_SILENT: nobody is there to answer a question on the screen. */
const SILENT = 0x40;
/** CRYPT_MACHINE_KEYSET */
export const MACHINE_KEYSET = 0x20;
const EXPORTABLE = 0x1;
/** NTE_EXISTS */
const KEYSET_EXISTS = 0x8009000f;
/** NTE_BAD_KEYSET */
const NO_KEYSET = 0x80090016;
const PUBLIC_KEY_BLOB = 6;
const KP_PERMISSIONS = 6;
const CRYPT_EXPORT = 4;

/** Where this tool puts a key into. */
export function placeIn(container: string, keySpec: KeySpec = 'AT_KEYEXCHANGE'): KeyPlace {
  return { container, provider: PROVIDER, providerType: PROVIDER_TYPE, keySpec, of: 'user' };
}

/**
 * Puts a private key into a container of its own, which must not be there yet. Nothing is left of one that failed.
 * @returns false when there is such a container already, which is left alone
 * @throws MsmqCertError invalid-pfx, key-store, no-key-access, disk-full
 */
export function importKey(calls: WindowsCalls, place: KeyPlace, key: JsonWebKey, exportable: boolean): boolean {
  const blob = privateKeyBlob(key, place.keySpec);
  try {
    return inNewContainer(calls, place, (provider) => {
      const out: [Pointer] = [null];
      const flags = exportable ? EXPORTABLE : 0;
      const imported = calls.importKey(provider, blob, blob.length, null, flags, out);
      demand(calls, imported, 'the key cannot be imported', 'CryptImportKey');
      calls.destroyKey(out[0]);
    });
  } finally {
    blob.fill(0);
  }
}

/**
 * Makes a key in a container of its own; it never leaves the provider.
 * @returns false when there is such a container already, which is left alone
 */
export function generateKey(calls: WindowsCalls, place: KeyPlace, bits: number, exportable: boolean): boolean {
  return inNewContainer(calls, place, (provider) => {
    const out: [Pointer] = [null];
    const flags = ((bits << 16) | (exportable ? EXPORTABLE : 0)) >>> 0;
    const made = calls.generateKey(provider, KEY_SPECS[place.keySpec], flags, out);
    demand(calls, made, 'the key cannot be made', 'CryptGenKey');
    calls.destroyKey(out[0]);
  });
}

function acquire(calls: WindowsCalls, out: [Pointer], place: KeyPlace, flags: number): number {
  const { container, provider, providerType, of } = place;
  const keyset = of === 'machine' ? MACHINE_KEYSET : 0;
  return calls.acquireContext(out, container, provider, providerType, flags | keyset | SILENT);
}

function inNewContainer(calls: WindowsCalls, place: KeyPlace, fill: (provider: Pointer) => void): boolean {
  const out: [Pointer] = [null];
  if (!acquire(calls, out, place, NEW_KEYSET)) {
    const status = calls.lastError();
    if (status >>> 0 === KEYSET_EXISTS) return false;
    throw windowsFailed(`the key container "${place.container}" cannot be made`, 'CryptAcquireContext', status);
  }
  try {
    fill(out[0]);
  } catch (error) {
    calls.releaseContext(out[0], 0);
    deleteContainer(calls, place);
    throw error;
  }
  calls.releaseContext(out[0], 0);
  return true;
}

/**
 * Deletes a container and the key in it; there may be none.
 * @throws MsmqCertError key-store, no-key-access
 */
export function deleteContainer(calls: WindowsCalls, place: KeyPlace): void {
  if (acquire(calls, [null], place, DELETE_KEYSET)) return;
  const status = calls.lastError();
  if (status >>> 0 === NO_KEYSET) return;
  throw windowsFailed(`the key container "${place.container}" cannot be deleted`, 'CryptAcquireContext', status);
}

/** What can be learned about a key without taking it out. */
export interface KeyFacts {
  publicKey: JsonWebKey;
  exportable: boolean;
}

/** @throws MsmqCertError key-store, no-key-access */
export function keyFacts(calls: WindowsCalls, place: KeyPlace): KeyFacts {
  return withKey(calls, place, (key) => {
    const permissions = Buffer.alloc(4);
    const known = calls.keyParameter(key, KP_PERMISSIONS, permissions, lengthOf(4), 0);
    const exportable = Boolean(known) && (permissions.readUInt32LE() & CRYPT_EXPORT) !== 0;
    const blob = filled(calls, 'the public key cannot be read', 'CryptExportKey', (out, length) =>
      calls.exportKey(key, null, PUBLIC_KEY_BLOB, 0, out, length),
    );
    return { publicKey: publicKeyOf(blob), exportable };
  });
}

/**
 * Signs with PKCS #1 v1.5, as MSMQ does.
 * @throws MsmqCertError key-store, no-key-access
 */
export function signIn(calls: WindowsCalls, place: KeyPlace, hash: keyof typeof HASHES, data: Buffer): Buffer {
  return withContainer(calls, place, (provider) => {
    const out: [Pointer] = [null];
    const created = calls.createHash(provider, HASHES[hash], null, 0, out);
    demand(calls, created, `the key cannot sign with ${hash}`, 'CryptCreateHash');
    try {
      demand(calls, calls.hashData(out[0], data, data.length, 0), 'the data cannot be hashed', 'CryptHashData');
      const doing = `the key cannot sign with ${hash}`;
      const signature = filled(calls, doing, 'CryptSignHash', (bytes, length) =>
        calls.signHash(out[0], KEY_SPECS[place.keySpec], null, 0, bytes, length),
      );
      // CryptoAPI has the least significant byte first
      return signature.reverse();
    } finally {
      calls.destroyHash(out[0]);
    }
  });
}

function withContainer<T>(calls: WindowsCalls, place: KeyPlace, use: (provider: Pointer) => T): T {
  const out: [Pointer] = [null];
  const there = acquire(calls, out, place, 0);
  demand(calls, there, `the key container "${place.container}" cannot be opened`, 'CryptAcquireContext');
  try {
    return use(out[0]);
  } finally {
    calls.releaseContext(out[0], 0);
  }
}

export function withKey<T>(calls: WindowsCalls, place: KeyPlace, use: (key: Pointer) => T): T {
  return withContainer(calls, place, (provider) => {
    const out: [Pointer] = [null];
    const there = calls.userKey(provider, KEY_SPECS[place.keySpec], out);
    demand(calls, there, `the key in "${place.container}" cannot be opened`, 'CryptGetUserKey');
    try {
      return use(out[0]);
    } finally {
      calls.destroyKey(out[0]);
    }
  });
}

/** Asks a call for the length of its answer first, then for the answer. */
function filled(
  calls: WindowsCalls,
  doing: string,
  name: string,
  call: (out: Buffer | null, length: Buffer) => number,
): Buffer {
  const length = lengthOf(0);
  demand(calls, call(null, length), doing, name);
  const out = Buffer.alloc(length.readUInt32LE());
  demand(calls, call(out, length), doing, name);
  return out.subarray(0, length.readUInt32LE());
}

export function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return length;
}

export function containerTaken(container: string): MsmqCertError {
  return new MsmqCertError('container-taken', `the key container "${container}" holds another key already`, {
    hint: 'find out which certificate uses it (certutil -user -store My); msmq-cert does not overwrite keys',
  });
}
