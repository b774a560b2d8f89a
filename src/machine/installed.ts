import { readSubject, type SubjectTemplate } from '../certificate/subject.ts';
import { describeCertificate } from '../certificate/x509/describe.ts';
import { MsmqCertError } from '../errors.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import { type KeyPlace, keyFacts } from '../native/windows/containers.ts';
import { type StoredCertificate, storedCertificates } from '../native/windows/my-store.ts';
import { signs } from './install.ts';
import { digestOf, thumbprintOf } from './pfx.ts';

/** One certificate in the user's personal store, and what MSMQ could do with it. */
export interface Installed {
  certificate: Buffer;
  /** MD5, 32 hex digits. */
  digest: string;
  /** SHA-1, 40 capital hex digits. */
  thumbprint: string;
  account: string | null;
  machine: string | null;
  /** Null when it has no key. */
  provider: string | null;
  /** Null for a key that CryptoAPI does not know. */
  keySpec: KeyPlace['keySpec'] | null;
  signsSha512: boolean;
  /** Null when it cannot be told. */
  exportable: boolean | null;
}

/** Everything in the store that MSMQ might sign with, and what it might not for lack of a key. */
export function installedCertificates(calls: WindowsCalls, templates: readonly SubjectTemplate[]): Installed[] {
  return storedCertificates(calls).map((stored) => installed(calls, stored, templates));
}

function installed(
  calls: WindowsCalls,
  { certificate, key }: StoredCertificate,
  templates: readonly SubjectTemplate[],
): Installed {
  const facts = describeCertificate(certificate);
  const owner = facts.kind === 'certificate' ? readSubject(templates, facts.subject) : null;
  const place = key?.kind === 'capi' ? key.place : null;
  return {
    certificate,
    digest: digestOf(certificate),
    thumbprint: thumbprintOf(certificate),
    account: owner?.account ?? null,
    machine: owner?.machine ?? null,
    provider: key?.kind === 'cng' ? key.provider : (place?.provider ?? null),
    keySpec: place?.keySpec ?? null,
    signsSha512: place !== null && signs(calls, place, certificate),
    exportable: place === null ? null : isExportable(calls, place),
  };
}

function isExportable(calls: WindowsCalls, place: KeyPlace): boolean | null {
  try {
    return keyFacts(calls, place).exportable;
  } catch (error) {
    if (error instanceof MsmqCertError) return null;
    throw error;
  }
}
