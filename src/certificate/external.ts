import { X509Certificate } from 'node:crypto';
import { MsmqCertError } from '../errors.ts';
import { DerError, inside, next, nextTag, OBJECT_IDENTIFIER, OCTET_STRING, reader, SEQUENCE } from './x509/der.ts';
import { type CertificateFacts, type DescribedCertificate, describeCertificate } from './x509/describe.ts';

/** What a message can carry ([MS-MQMQ] 2.2.20.6, specification §1). */
const MAX_BYTES = 65_535;

/** Where a PVK file, the private key format of older Windows tools, says what it is. */
const PVK_MAGIC = Buffer.from('1ef1b5b0', 'hex');

const pemBlock = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]*?)-----END \1-----/g;
const pemPrivateKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

/**
 * The one certificate in a DER or PEM file that somebody else issued, as DER. `source` names the file in errors. Only
 * public parts are let in: a file with a private key is refused, so that no key comes near the directory by mistake.
 * @throws MsmqCertError invalid-certificate, certificate-expired, certificate-not-rsa, certificate-too-large,
 *   private-key-in-certificate
 */
export function readExternalCertificate(input: Buffer, source: string, now: Date): Buffer {
  const der = withoutPem(input, source);
  if (der.length > MAX_BYTES) throw tooLarge(source, der.length);
  const facts = describeCertificate(der);
  demandCertificate(facts, source);
  demandRsa(facts, source);
  demandOpenSslAgrees(der, source);
  demandNotExpired(facts, source, now);
  return der;
}

/**
 * The one certificate in a DER or PEM file as DER, whatever its state: expired or weak is no matter here.
 * @throws MsmqCertError invalid-certificate, private-key-in-certificate
 */
export function readAnyCertificate(input: Buffer, source: string): Buffer {
  const der = withoutPem(input, source);
  demandCertificate(describeCertificate(der), source);
  return der;
}

function withoutPem(input: Buffer, source: string): Buffer {
  const text = input.toString('latin1');
  if (pemPrivateKey.test(text)) throw privateKey(source);
  const der = text.includes('-----BEGIN ') ? fromPem(text, source) : input;
  if (holdsPrivateKey(der)) throw privateKey(source);
  return der;
}

function fromPem(text: string, source: string): Buffer {
  const bodies = [...text.matchAll(pemBlock)].flatMap(([, label, body = '']) =>
    label === 'CERTIFICATE' ? [body] : [],
  );
  const [body] = bodies;
  if (body === undefined || bodies.length > 1) {
    throw new MsmqCertError('invalid-certificate', `${source} has ${bodies.length} PEM certificates instead of one`, {
      hint: "keep only the user's own certificate in the file, without the chain",
    });
  }
  return Buffer.from(body, 'base64');
}

function holdsPrivateKey(der: Buffer): boolean {
  return der.subarray(0, PVK_MAGIC.length).equals(PVK_MAGIC) || isKeyOrPfx(der) || isEncryptedKey(der);
}

/**
 * PKCS #8 and PKCS #1 keys, SEC 1 keys and PFX files all are a SEQUENCE whose first element is the version 0, 1 or 3;
 * no certificate begins like that. Looks at bytes only, as PFX files may be BER with indefinite lengths.
 */
function isKeyOrPfx(der: Buffer): boolean {
  const [tag, length = 0] = der;
  if (tag !== SEQUENCE) return false;
  const start = 2 + (length > 0x80 ? length - 0x80 : 0);
  const [type, size, version = -1] = der.subarray(start);
  return type === 0x02 && size === 1 && [0, 1, 3].includes(version);
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3): an algorithm and an OCTET STRING. */
function isEncryptedKey(der: Buffer): boolean {
  try {
    const parts = inside(next(reader(der)));
    return nextTag(inside(next(parts))) === OBJECT_IDENTIFIER && nextTag(parts) === OCTET_STRING;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

function demandCertificate(facts: CertificateFacts, source: string): asserts facts is DescribedCertificate {
  if (facts.kind === 'not-a-certificate') throw unreadable(source, facts.reason);
}

/** A receiver uses a full library: what OpenSSL cannot read, it will hardly accept. */
function demandOpenSslAgrees(der: Buffer, source: string): void {
  try {
    const { publicKey } = new X509Certificate(der);
    if (publicKey.asymmetricKeyType === 'rsa') return;
  } catch (cause) {
    throw unreadable(source, 'OpenSSL cannot read it', cause);
  }
  throw unreadable(source, 'OpenSSL sees no RSA key in it');
}

function demandRsa({ keyAlgorithm }: DescribedCertificate, source: string): void {
  if (keyAlgorithm === 'rsa') return;
  throw new MsmqCertError('certificate-not-rsa', `the public key of the certificate in ${source} is not RSA`, {
    hint: 'MSMQ signs with RSA only: ask the issuer for a certificate with an RSA key',
  });
}

function demandNotExpired({ notAfter }: DescribedCertificate, source: string, now: Date): void {
  if (notAfter > now) return;
  throw new MsmqCertError('certificate-expired', `the certificate in ${source} expired on ${notAfter.toISOString()}`, {
    hint: 'ask the issuer for a new certificate',
  });
}

function unreadable(source: string, reason: string, cause?: unknown): MsmqCertError {
  return new MsmqCertError('invalid-certificate', `${source} is not an X.509 certificate: ${reason}`, {
    hint: 'export the certificate as "DER encoded binary X.509 (.CER)" or "Base-64 encoded X.509 (.CER)"',
    cause,
  });
}

function privateKey(source: string): MsmqCertError {
  return new MsmqCertError('private-key-in-certificate', `${source} holds a private key`, {
    hint: 'export the certificate without its private key (.cer) and give that file; keep the key where it is',
  });
}

function tooLarge(source: string, bytes: number): MsmqCertError {
  const message = `the certificate in ${source} has ${bytes} bytes, more than the ${MAX_BYTES} a message can carry`;
  return new MsmqCertError('certificate-too-large', message, { hint: 'ask the issuer for a smaller certificate' });
}
