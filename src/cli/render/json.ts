import { identifierText } from '../../blob/identifier.ts';
import { formatName } from '../../certificate/subject.ts';
import type { CertificateFacts } from '../../certificate/x509/describe.ts';
import type { Registered, UserState } from '../../judge/state.ts';
import { timeText } from './time-text.ts';

/** One user in the documents of list and audit. */
export function userJson(state: UserState) {
  const { user, pair } = state;
  return {
    user: user.account,
    dn: user.dn,
    sid: user.sid,
    blobBytes: pair.blob?.length ?? 0,
    certificates: state.kind === 'decoded' ? state.entries.map(certificateJson) : [],
    orphanDigests: state.kind === 'decoded' ? state.orphanDigests : [],
    findings: state.findings,
  };
}

export function certificateJson(registered: Registered) {
  const { digest, entry, account, machine, recognisedBy, candidates, facts, findings } = registered;
  const { subject, issuer, serialNumber, notBefore, notAfter, keyBits, signatureAlgorithm } = factsJson(facts);
  return {
    digest,
    identifier: identifierText(entry.identifier),
    account,
    machine,
    recognisedBy,
    // Left out of the document where it is undefined; spreading would make the object a slow one.
    candidates: candidates.length > 0 ? candidates : undefined,
    subject,
    issuer,
    serialNumber,
    notBefore,
    notAfter,
    keyBits,
    signatureAlgorithm,
    bytes: entry.certificate.length,
    findings,
  };
}

/** What the certificate itself says; nulls when it is none. */
export function factsJson(facts: CertificateFacts) {
  if (facts.kind === 'not-a-certificate') return NO_FACTS;
  const subject = formatName(facts.subject);
  return {
    subject,
    issuer: facts.issuer === facts.subject ? subject : formatName(facts.issuer),
    serialNumber: facts.serialNumber,
    notBefore: timeText(facts.notBefore),
    notAfter: timeText(facts.notAfter),
    keyBits: facts.keyBits,
    signatureAlgorithm: facts.signatureAlgorithm,
  };
}

const NO_FACTS = {
  subject: null,
  issuer: null,
  serialNumber: null,
  notBefore: null,
  notAfter: null,
  keyBits: null,
  signatureAlgorithm: null,
};
