import { MsmqCertError } from '../../errors.ts';
import type { Pointer } from '../library.ts';
import type { WindowsCalls } from './calls.ts';
import { type KeyPlace, lengthOf, MACHINE_KEYSET } from './containers.ts';
import { demand } from './failures.ts';
import { KEY_SPECS } from './key-blobs.ts';

/** Whose personal store. */
export type StoreOwner = 'user' | 'machine';

/** A certificate in a personal store. */
export interface StoredCertificate {
  /** DER. */
  certificate: Buffer;
  /** Null when it has no private key. `cng`: its key is in a provider of the newer kind, which CryptoAPI cannot use. */
  key: { kind: 'capi'; place: KeyPlace } | { kind: 'cng'; provider: string } | null;
}

/** CERT_STORE_PROV_SYSTEM_W */
const SYSTEM_STORE = 10n;
/** CERT_STORE_PROV_SYSTEM_REGISTRY_W */
const REGISTRY_STORE = 13n;
/** CERT_SYSTEM_STORE_CURRENT_USER and CERT_SYSTEM_STORE_LOCAL_MACHINE */
const LOCATIONS: Readonly<Record<StoreOwner, number>> = { user: 0x10000, machine: 0x20000 };
const READ_ONLY = 0x8000;
const X509 = 1;
/** CERT_KEY_PROV_INFO_PROP_ID */
const KEY_PROVIDER_INFO = 2;
/** CERT_STORE_ADD_REPLACE_EXISTING */
const REPLACE = 3;

/** @throws MsmqCertError key-store, no-key-access */
export function storedCertificates(calls: WindowsCalls, owner: StoreOwner = 'user'): StoredCertificate[] {
  const read = (store: Pointer) => {
    const found: StoredCertificate[] = [];
    for (let each = calls.nextCertificate(store, null); each !== null; each = calls.nextCertificate(store, each)) {
      found.push({ certificate: calls.encodedCertificate(each), key: keyOf(calls, each) });
    }
    return found;
  };
  return withStore(calls, READ_ONLY, read, SYSTEM_STORE, owner);
}

/**
 * Puts a certificate into the store and says where its key is. One that is there already is replaced.
 * @throws MsmqCertError key-store, no-key-access
 */
export function addToStore(calls: WindowsCalls, certificate: Buffer, place: KeyPlace): void {
  withStore(calls, 0, (store) => {
    const context = calls.createCertificate(X509, certificate, certificate.length);
    demand(calls, context, 'Windows cannot read the certificate', 'CertCreateCertificateContext');
    try {
      const linked = calls.setProperty(context, KEY_PROVIDER_INFO, 0, {
        ...{ pwszContainerName: place.container, pwszProvName: place.provider, dwProvType: place.providerType },
        ...{
          dwFlags: place.of === 'machine' ? MACHINE_KEYSET : 0,
          cProvParam: 0,
          rgProvParam: null,
          dwKeySpec: KEY_SPECS[place.keySpec],
        },
      });
      demand(calls, linked, 'the key cannot be linked', 'CertSetCertificateContextProperty');
      const added = calls.addCertificate(store, context, REPLACE, null);
      demand(calls, added, 'the personal store does not take it', 'CertAddCertificateContextToStore');
    } finally {
      calls.freeCertificate(context);
    }
  });
}

/**
 * Takes a certificate out of the store, where there may be none. Under Wine only the second kind of store keeps a deletion.
 * @throws MsmqCertError key-store, no-key-access
 */
export function removeFromStore(calls: WindowsCalls, certificate: Buffer): void {
  for (const kind of [SYSTEM_STORE, REGISTRY_STORE]) {
    if (!withStore(calls, READ_ONLY, (store) => isIn(calls, store, certificate))) return;
    withStore(calls, 0, (store) => deleteFrom(calls, store, certificate), kind);
  }
  if (!withStore(calls, READ_ONLY, (store) => isIn(calls, store, certificate))) return;
  throw new MsmqCertError('key-store', 'the personal store of the user does not let the certificate go', {
    hint: 'its key is deleted; remove the certificate with certmgr.msc',
  });
}

function isIn(calls: WindowsCalls, store: Pointer, certificate: Buffer): boolean {
  const found = find(calls, store, certificate);
  if (found !== null) calls.freeCertificate(found);
  return found !== null;
}

function deleteFrom(calls: WindowsCalls, store: Pointer, certificate: Buffer): void {
  const found = find(calls, store, certificate);
  // also frees it
  const deleted = found === null || calls.deleteCertificate(found);
  demand(calls, deleted, 'the certificate cannot be removed', 'CertDeleteCertificateFromStore');
}

/** The caller frees it. */
function find(calls: WindowsCalls, store: Pointer, certificate: Buffer): Pointer {
  let each = calls.nextCertificate(store, null);
  while (each !== null && !calls.encodedCertificate(each).equals(certificate))
    each = calls.nextCertificate(store, each);
  return each;
}

function keyOf(calls: WindowsCalls, certificate: Pointer): StoredCertificate['key'] {
  const length = lengthOf(0);
  if (!calls.property(certificate, KEY_PROVIDER_INFO, null, length)) return null;
  const bytes = Buffer.alloc(length.readUInt32LE());
  if (!calls.property(certificate, KEY_PROVIDER_INFO, bytes, length)) return null;
  const { container, provider, providerType, keySpec, of } = parseKeyProviderInfo(calls, bytes);
  const name = Object.entries(KEY_SPECS).find(([, number]) => number === keySpec)?.[0];
  if (providerType === 0 || (name !== 'AT_KEYEXCHANGE' && name !== 'AT_SIGNATURE')) return { kind: 'cng', provider };
  return { kind: 'capi', place: { container, provider, providerType, keySpec: name, of } };
}

/** CRYPT_KEY_PROV_INFO on 64 bits; its strings lie in the same buffer behind it. */
function parseKeyProviderInfo({ koffi }: WindowsCalls, bytes: Buffer) {
  return {
    container: koffi.decode(bytes.readBigUInt64LE(0), 'char16_t', -1) as string,
    provider: koffi.decode(bytes.readBigUInt64LE(8), 'char16_t', -1) as string,
    providerType: bytes.readUInt32LE(16),
    of: (bytes.readUInt32LE(20) & MACHINE_KEYSET) === 0 ? ('user' as const) : ('machine' as const),
    keySpec: bytes.readUInt32LE(40),
  };
}

function withStore<T>(
  calls: WindowsCalls,
  flags: number,
  use: (store: Pointer) => T,
  kind = SYSTEM_STORE,
  owner: StoreOwner = 'user',
): T {
  const store = calls.openStore(kind, 0, null, LOCATIONS[owner] | flags, 'MY');
  demand(calls, store, `the personal store of the ${owner} cannot be opened`, 'CertOpenStore');
  try {
    return use(store);
  } finally {
    calls.closeStore(store, 0);
  }
}
