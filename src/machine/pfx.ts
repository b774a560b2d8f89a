import { createPrivateKey, hash, type KeyObject, X509Certificate } from 'node:crypto';
import { openPfx, PassphraseError } from '../certificate/pkcs12/reader.ts';
import { type DescribedCertificate, describeCertificate } from '../certificate/x509/describe.ts';
import { MsmqCertError } from '../errors.ts';

/** A certificate that is ready to be installed. */
export interface KeyAndCertificate {
  /** DER. */
  certificate: Buffer;
  facts: DescribedCertificate;
  privateKey: KeyObject;
  /** MD5 of the certificate, 32 hex digits. */
  digest: string;
  /** SHA-1 of the certificate in capital hex digits, as Windows shows it. */
  thumbprint: string;
}

/**
 * The one private key in a PFX file and its certificate.
 * @param source names the file in errors
 * @throws MsmqCertError wrong-passphrase, invalid-pfx, certificate-expired
 */
export function readPfx(pfx: Buffer, passphrase: string, source: string, now: Date): KeyAndCertificate {
  const { certificates, privateKeys } = open(pfx, passphrase, source);
  const [der] = privateKeys;
  if (der === undefined || privateKeys.length > 1) {
    throw damaged(source, `it has ${privateKeys.length} private keys instead of one`);
  }
  const privateKey = parseKey(der, source);
  const certificate = certificates.find((each) => isOf(each, privateKey));
  if (certificate === undefined) throw damaged(source, 'it has no certificate that belongs to its key');
  const facts = describeCertificate(certificate);
  if (facts.kind === 'not-a-certificate') throw damaged(source, facts.reason);
  if (privateKey.asymmetricKeyType !== 'rsa') throw damaged(source, 'its key is not RSA');
  if (facts.notAfter <= now) {
    throw new MsmqCertError(
      'certificate-expired',
      `the certificate in ${source} expired on ${facts.notAfter.toISOString()}`,
      {
        hint: 'msmq-cert renew makes a new one',
      },
    );
  }
  return { certificate, facts, privateKey, digest: digestOf(certificate), thumbprint: thumbprintOf(certificate) };
}

export function digestOf(certificate: Buffer): string {
  return hash('md5', certificate);
}

export function thumbprintOf(certificate: Buffer): string {
  return hash('sha1', certificate).toUpperCase();
}

function open(pfx: Buffer, passphrase: string, source: string) {
  try {
    return openPfx(pfx, passphrase);
  } catch (cause) {
    if (cause instanceof PassphraseError) {
      throw new MsmqCertError('wrong-passphrase', `the passphrase does not open ${source}, or the file was altered`, {
        hint: 'give the file with the passphrase that was written beside this PFX with --passphrase-file',
      });
    }
    throw damaged(source, cause instanceof Error ? cause.message : 'it cannot be read');
  }
}

function parseKey(der: Buffer, source: string): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    // without the cause: what OpenSSL says about a key is nobody's business
    throw damaged(source, 'its private key cannot be read');
  }
}

function isOf(certificate: Buffer, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(key);
  } catch {
    return false;
  }
}

function damaged(source: string, why: string): MsmqCertError {
  return new MsmqCertError('invalid-pfx', `${source} is no PFX file that can be installed: ${why}`, {
    hint: 'bring the file from where msmq-cert made it once more; it must arrive byte for byte',
  });
}
