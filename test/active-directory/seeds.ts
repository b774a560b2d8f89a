import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openssl, seedCertificate } from '../certificate/support.ts';

export interface SeededCertificate {
  subject: string;
  notBefore: Date;
  notAfter: Date;
}

const DAY_MS = 86_400_000;

export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

const config = `
[ca]
default_ca = all
[all]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
x509_extensions = own
[own]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
subjectKeyIdentifier = hash
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
`;

/**
 * Makes self-signed certificates with openssl, as DER, with the extensions of our own; all with the same key, which
 * nothing here needs.
 */
export async function seedCertificates(folder: string, wanted: SeededCertificate[]): Promise<Buffer[]> {
  const path = (name: string) => join(folder, name);
  await writeFile(path('openssl.cnf'), config.replace('index.txt', path('index.txt')).replace('= .', `= ${folder}`));
  await writeFile(path('index.txt'), '');
  await openssl('genrsa', '-out', path('seed.key'), '2048');
  const certificates: Buffer[] = [];
  for (const { subject, notBefore, notAfter } of wanted) {
    const name = ['-config', path('openssl.cnf'), '-subj', `/CN=${subject.replaceAll('/', '\\/')}`];
    await openssl('req', '-new', '-key', path('seed.key'), ...name, '-out', path('seed.csr'));
    const dates = ['-startdate', openSslTime(notBefore), '-enddate', openSslTime(notAfter)];
    const made = ['-config', path('openssl.cnf'), '-batch', '-selfsign', '-notext', ...dates];
    await openssl('ca', ...made, '-keyfile', path('seed.key'), '-in', path('seed.csr'), '-out', path('seed.pem'));
    await openssl('x509', '-in', path('seed.pem'), '-outform', 'DER', '-out', path('seed.cer'));
    certificates.push(await readFile(path('seed.cer')));
  }
  return certificates;
}

/** 20260131235959Z */
function openSslTime(date: Date): string {
  return `${date.toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}

export function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest();
}

/** A blob as the specification draws it (§1), each entry with the digest that it is given. */
export function blobOf(entries: { certificate: Uint8Array; digest: Uint8Array }[]): Buffer {
  const packed = entries.flatMap(({ certificate, digest }) => [
    digest,
    randomBytes(16),
    uint32(certificate.length),
    certificate,
  ]);
  return Buffer.concat([uint32(entries.length), ...packed]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A sound certificate by our own convention. */
export function certificateFor(user: string, machine: string, notAfter = daysFromNow(400), serial = 5): Buffer {
  const subject = `[CORP/${user}, ${machine}]`;
  return seedCertificate({ subject, notBefore: daysFromNow(-10 - serial), notAfter, serial });
}
