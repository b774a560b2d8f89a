/** `broken`: a receiver cannot accept the certificate, or no more can be registered. `attention`: everything else. */
export type Severity = 'broken' | 'attention';

interface Meaning {
  severity: Severity;
  /** One sentence for people. */
  text: string;
}

const meanings: Readonly<Record<string, Meaning>> = {
  'malformed-blob': broken('The stored value breaks off or contradicts itself, so no tool can add to it safely.'),
  'digest-mismatch': broken('The digest kept with the certificate is not the digest of that certificate.'),
  'digest-missing': broken('The user is not found by this certificate, because its digest is not in mSMQDigests.'),
  'digest-orphan': attention('A digest is left over that belongs to no certificate of the user.'),
  'digest-duplicate': attention('The same certificate is stored more than once for one user.'),
  'digest-shared': broken('Several users have this digest, so receivers cannot tell whose certificate it is.'),
  'not-a-certificate': broken('The entry holds something else than an X.509 certificate.'),
  'not-rsa': broken('The key is not an RSA key, and MSMQ takes no other.'),
  'weak-key': attention('The RSA key has fewer than 2048 bits.'),
  'weak-signature': attention('The certificate is signed with MD5 or SHA-1.'),
  expired: broken('The certificate is past its end.'),
  expiring: attention('The certificate ends soon.'),
  'not-yet-valid': broken('The certificate is not valid yet.'),
  superseded: attention('The same machine has a newer certificate.'),
  'machine-gone': attention('The machine has no computer account any more.'),
  'machine-disabled': attention('The computer account of the machine is disabled.'),
  'machine-inactive': attention('The machine has not logged on for a long time.'),
  'near-capacity': attention('The user holds nearly as many certificates as fit.'),
  'over-capacity': broken('The user holds as many certificates as fit: the next registration fails.'),
  'legacy-attributes': attention('Attributes that only Windows 2000 used still hold values.'),
  'protected-account': attention(
    'The account is protected (adminCount is 1): it cannot register certificates for itself.',
  ),
};

function broken(text: string): Meaning {
  return { severity: 'broken', text };
}

function attention(text: string): Meaning {
  return { severity: 'attention', text };
}

/** What a finding means; a code that is not known here needs attention and says nothing more. */
export function meaningOf(code: string): Meaning {
  return Object.hasOwn(meanings, code) ? (meanings[code] ?? attention('')) : attention('');
}
