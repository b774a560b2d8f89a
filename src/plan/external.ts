import { md5, toHex } from '../blob/digest.ts';
import { readExternalCertificate } from '../certificate/external.ts';
import { MsmqCertError } from '../errors.ts';
import { readWhole } from '../files/read-file.ts';
import type { Source } from './plan.ts';

/**
 * Checks a file with somebody else's certificate and remembers it by digest, so that a whole fleet need not be held in memory.
 * @throws MsmqCertError file-unreadable, and what readExternalCertificate refuses
 */
export async function externalSource(file: string, now: Date): Promise<Source> {
  const certificate = readExternalCertificate(await readWhole(file), file, now);
  return { kind: 'external', file, digest: toHex(md5(certificate)), bytes: certificate.length };
}

/**
 * The certificate itself, when it is about to be registered.
 * @throws MsmqCertError invalid-certificate when the file has changed since it was checked
 */
export async function readExternal({ file, digest, content }: Extract<Source, { kind: 'external' }>): Promise<Buffer> {
  const bytes = content === undefined ? await readWhole(file) : Buffer.from(content, 'base64');
  const certificate = readExternalCertificate(bytes, file, new Date());
  if (toHex(md5(certificate)) === digest) return certificate;
  throw new MsmqCertError('invalid-certificate', `${file} does not hold the certificate ${digest} any more`, {
    hint: 'nothing was registered for it; run the command again with the file as it is now',
  });
}
