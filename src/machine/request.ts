import { createPublicKey, randomUUID } from 'node:crypto';
import { certify, checkRequest, type IssueRequest } from '../certificate/issue.ts';
import { hasOwnExtensions } from '../certificate/own-extensions.ts';
import { readSubject } from '../certificate/subject.ts';
import { describeCertificate } from '../certificate/x509/describe.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import { deleteContainer, generateKey, keyFacts, placeIn, signIn } from '../native/windows/containers.ts';
import { addToStore, removeFromStore, type StoredCertificate, storedCertificates } from '../native/windows/my-store.ts';
import { CONTAINER_PREFIX, proveSigning, type SignElsewhere, signs } from './install.ts';
import { sameAccount } from './owner.ts';
import { digestOf } from './pfx.ts';

export interface KeyRequest extends IssueRequest {
  exportable: boolean;
  /** Makes a new key also where there is a sound one. */
  always: boolean;
}

export interface Requested {
  /** DER. */
  certificate: Buffer;
  digest: string;
  outcome: 'made' | 'unchanged';
}

/**
 * Makes a key in the user's store, where it stays, and a self-signed certificate for it, and proves that another process
 * signs with it. Nothing is left when that fails, or when the certificate cannot be handed over.
 * @param handOver gives the certificate to those who register it
 * @throws MsmqCertError invalid-subject, usage, key-store, no-key-access, disk-full, signature-failed
 */
export async function requestKey(
  calls: WindowsCalls,
  request: KeyRequest,
  signElsewhere: SignElsewhere,
  handOver: (certificate: Buffer) => Promise<void>,
): Promise<Requested> {
  checkRequest(request);
  const there = request.always ? undefined : storedCertificates(calls).find((each) => isWanted(calls, each, request));
  if (there !== undefined) {
    await handOver(there.certificate);
    return { certificate: there.certificate, digest: digestOf(there.certificate), outcome: 'unchanged' };
  }
  const place = placeIn(`${CONTAINER_PREFIX}${randomUUID()}`);
  generateKey(calls, place, request.keySize, request.exportable);
  let certificate: Buffer | null = null;
  try {
    const publicKey = createPublicKey({ key: keyFacts(calls, place).publicKey, format: 'jwk' });
    certificate = await certify(request, publicKey, async (body) => signIn(calls, place, request.hash, body));
    addToStore(calls, certificate, place);
    const digest = digestOf(certificate);
    await proveSigning(digest, certificate, signElsewhere);
    await handOver(certificate);
    return { certificate, digest, outcome: 'made' };
  } catch (error) {
    if (certificate !== null) removeFromStore(calls, certificate);
    deleteContainer(calls, place);
    throw error;
  }
}

/** A certificate of ours for this account and machine that has not expired and whose key signs. */
function isWanted(calls: WindowsCalls, { certificate, key }: StoredCertificate, request: KeyRequest): boolean {
  const facts = describeCertificate(certificate);
  if (key?.kind !== 'capi' || facts.kind !== 'certificate' || facts.notAfter <= request.now) return false;
  if (!hasOwnExtensions(certificate) || facts.issuer !== facts.subject) return false;
  const owner = readSubject([request.subject], facts.subject);
  if (owner === null || !sameAccount(owner.account, request.account)) return false;
  return owner.machine.toLowerCase() === request.machine.toLowerCase() && signs(calls, key.place, certificate);
}
