import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { MsmqCertError } from '../../errors.ts';
import { readWhole } from '../../files/read-file.ts';
import { readAnyCertificate } from '../external.ts';
import { type DescribedCertificate, describeCertificate } from '../x509/describe.ts';

/** Whose private key opens what is sealed. */
export interface Recipient {
  /** DER. */
  certificate: Buffer;
  publicKey: KeyObject;
  /** SHA-256 of the certificate, 64 hex digits. */
  sha256: string;
}

const KEY_USAGE = '2.5.29.15';
/** keyEncipherment is the third bit of keyUsage (RFC 5280 §4.2.1.3). */
const KEY_ENCIPHERMENT = 0b0010_0000;
const LEAST_BITS = 2048;

/**
 * Reads the certificate that private keys are to be sealed to: DER or PEM.
 * @throws MsmqCertError file-unreadable, and what recipientFrom refuses
 */
export async function readRecipient(file: string, now: Date): Promise<Recipient> {
  const hint = 'name the certificate of whoever is to open the keys with --seal-to';
  return await recipientFrom(await readWhole(file, `the recipient ${file}`, { hint }), file, now);
}

/**
 * @param source names the certificate in errors
 * @throws MsmqCertError invalid-certificate, private-key-in-certificate, certificate-not-rsa, certificate-expired,
 *   recipient-unsuitable
 */
export async function recipientFrom(input: Buffer, source: string, now: Date): Promise<Recipient> {
  const certificate = readAnyCertificate(input, source);
  const facts = describeCertificate(certificate);
  if (facts.kind === 'not-a-certificate') throw notReadable(source, facts.reason);
  demandRsa(facts, source);
  demandValid(facts, source, now);
  const publicKey = publicKeyOf(certificate, source);
  await demandKeyEncipherment(certificate, source);
  return { certificate, publicKey, sha256: createHash('sha256').update(certificate).digest('hex') };
}

function demandRsa({ keyAlgorithm, keyBits }: DescribedCertificate, source: string): void {
  if (keyAlgorithm !== 'rsa') {
    throw new MsmqCertError('certificate-not-rsa', `the public key of the recipient ${source} is not RSA`, {
      hint: 'keys can be sealed to RSA certificates only: give one with --seal-to',
    });
  }
  if (keyBits !== null && keyBits < LEAST_BITS) {
    throw new MsmqCertError('recipient-unsuitable', `the RSA key of the recipient ${source} has only ${keyBits} bits`, {
      hint: `give a certificate with at least ${LEAST_BITS} bits with --seal-to`,
    });
  }
}

function demandValid({ notBefore, notAfter }: DescribedCertificate, source: string, now: Date): void {
  const hint = 'give a certificate that is valid now with --seal-to';
  if (notAfter <= now) {
    const message = `the recipient ${source} expired on ${notAfter.toISOString()}`;
    throw new MsmqCertError('certificate-expired', message, { hint });
  }
  if (notBefore > now) {
    const message = `the recipient ${source} is not valid before ${notBefore.toISOString()}`;
    throw new MsmqCertError('recipient-unsuitable', message, { hint });
  }
}

function publicKeyOf(certificate: Buffer, source: string): KeyObject {
  try {
    return new X509Certificate(certificate).publicKey;
  } catch (cause) {
    throw notReadable(source, 'OpenSSL cannot read it', cause);
  }
}

/** A certificate without keyUsage may be used for anything. */
async function demandKeyEncipherment(certificate: Buffer, source: string): Promise<void> {
  const { Certificate } = await import('pkijs');
  const extensions = Certificate.fromBER(certificate).extensions ?? [];
  const usage = extensions.find(({ extnID }) => extnID === KEY_USAGE);
  if (usage === undefined) return;
  // DER: BIT STRING, length, unused bits, then the bits
  const bits = Buffer.from(usage.extnValue.valueBlock.valueHexView)[3] ?? 0;
  if ((bits & KEY_ENCIPHERMENT) !== 0) return;
  throw new MsmqCertError('recipient-unsuitable', `the recipient ${source} must not be used for key encipherment`, {
    hint: 'give a certificate whose key usage has key encipherment, or that has no key usage, with --seal-to',
  });
}

function notReadable(source: string, reason: string, cause?: unknown): MsmqCertError {
  return new MsmqCertError('invalid-certificate', `the recipient ${source} is not an X.509 certificate: ${reason}`, {
    hint: 'give its certificate as DER or PEM (.cer) with --seal-to',
    cause,
  });
}
