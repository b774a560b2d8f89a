import { createPublicKey, type JsonWebKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { MsmqCertError } from '../errors.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import {
  containerTaken,
  deleteContainer,
  importKey,
  type KeyPlace,
  keyFacts,
  PROVIDER,
  placeIn,
  signIn,
} from '../native/windows/containers.ts';
import { addToStore, removeFromStore, type StoredCertificate, storedCertificates } from '../native/windows/my-store.ts';
import { digestOf, type KeyAndCertificate } from './pfx.ts';

/** Signs bytes with SHA-512 in another process, with the key of the installed certificate that has this digest. */
export type SignElsewhere = (digest: string, data: Buffer) => Promise<Buffer>;

/** The containers that this tool makes; it deletes no others unasked. */
export const CONTAINER_PREFIX = 'msmq-cert-';

const CHALLENGE_BYTES = 64;

/**
 * Puts key and certificate into the user's personal store and proves that another process can sign with them. What was
 * put there is taken away again when the proof fails.
 * @returns `unchanged` when a key that signs was there already
 * @throws MsmqCertError container-taken, key-store, no-key-access, disk-full, signature-failed
 */
export async function install(
  calls: WindowsCalls,
  given: KeyAndCertificate,
  exportable: boolean,
  signElsewhere: SignElsewhere,
): Promise<'installed' | 'unchanged'> {
  const stored = findStored(calls, given.digest);
  if (stored?.key?.kind === 'capi' && signs(calls, stored.key.place, given.certificate)) {
    await proveSigning(given.digest, given.certificate, signElsewhere);
    return 'unchanged';
  }
  const place = placeIn(`${CONTAINER_PREFIX}${given.digest}`);
  const isNew = importKey(calls, place, given.privateKey.export({ format: 'jwk' }), exportable);
  if (!isNew && !holdsKeyOf(calls, place, given.certificate)) throw containerTaken(place.container);
  try {
    addToStore(calls, given.certificate, place);
    await proveSigning(given.digest, given.certificate, signElsewhere);
  } catch (error) {
    takeBack(calls, given.certificate, stored, isNew ? place : null);
    throw error;
  }
  return 'installed';
}

/** As it was before: a certificate that was there already comes back with the key it had. */
function takeBack(
  calls: WindowsCalls,
  certificate: Buffer,
  before: StoredCertificate | null,
  made: KeyPlace | null,
): void {
  if (before?.key?.kind === 'capi') addToStore(calls, certificate, before.key.place);
  else if (before === null) removeFromStore(calls, certificate);
  if (made !== null) deleteContainer(calls, made);
}

/** @throws MsmqCertError signature-failed, and what the other process says */
export async function proveSigning(digest: string, certificate: Buffer, signElsewhere: SignElsewhere): Promise<void> {
  const challenge = randomBytes(CHALLENGE_BYTES);
  const signature = await signElsewhere(digest, challenge);
  if (verifies(certificate, challenge, signature)) return;
  throw new MsmqCertError(
    'signature-failed',
    `another process signed with ${digest}, and the certificate does not verify it`,
    {
      hint: 'nothing was installed; run again with --verbose and report what it prints',
    },
  );
}

export function findStored(calls: WindowsCalls, digest: string): StoredCertificate | null {
  return storedCertificates(calls).find(({ certificate }) => digestOf(certificate) === digest) ?? null;
}

/** Whether the key in a place signs with SHA-512 what the certificate verifies. */
export function signs(calls: WindowsCalls, place: KeyPlace, certificate: Buffer): boolean {
  try {
    const challenge = randomBytes(CHALLENGE_BYTES);
    return verifies(certificate, challenge, signIn(calls, place, 'sha512', challenge));
  } catch (error) {
    if (error instanceof MsmqCertError) return false;
    throw error;
  }
}

export function verifies(certificate: Buffer, data: Buffer, signature: Buffer): boolean {
  return verify('sha512', data, new X509Certificate(certificate).publicKey, signature);
}

function holdsKeyOf(calls: WindowsCalls, place: KeyPlace, certificate: Buffer): boolean {
  const { publicKey } = keyFacts(calls, place);
  return spki(publicKey).equals(new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' }));
}

function spki(key: JsonWebKey): Buffer {
  return createPublicKey({ key, format: 'jwk' }).export({ format: 'der', type: 'spki' });
}

/**
 * Takes a certificate and its key out of the user's store. The key goes first: when that fails, the certificate still
 * says where it is.
 * @param confirmed also a key that this tool did not put there
 * @throws MsmqCertError digest-not-found, confirmation-needed, key-store
 */
export function uninstall(calls: WindowsCalls, digest: string, confirmed: boolean): Buffer {
  const stored = findStored(calls, digest);
  if (stored === null) {
    throw new MsmqCertError('digest-not-found', `no certificate with the digest ${digest} is installed`, {
      hint: 'msmq-cert installed shows what there is',
    });
  }
  const { certificate, key } = stored;
  if (key !== null && !isOwn(key) && !confirmed) {
    throw new MsmqCertError('confirmation-needed', `the key of ${digest} was not installed by msmq-cert`, {
      hint: '--yes removes it all the same; nobody can bring it back',
    });
  }
  if (key?.kind === 'capi' && !isShared(calls, key.place, certificate)) deleteContainer(calls, key.place);
  removeFromStore(calls, certificate);
  return certificate;
}

function isOwn(key: NonNullable<StoredCertificate['key']>): boolean {
  return key.kind === 'capi' && key.place.provider === PROVIDER && key.place.container.startsWith(CONTAINER_PREFIX);
}

/** Renewed certificates may have kept their key. */
function isShared(calls: WindowsCalls, { container, provider }: KeyPlace, certificate: Buffer): boolean {
  return storedCertificates(calls).some(
    (other) =>
      !other.certificate.equals(certificate) &&
      other.key?.kind === 'capi' &&
      other.key.place.container === container &&
      other.key.place.provider === provider,
  );
}
