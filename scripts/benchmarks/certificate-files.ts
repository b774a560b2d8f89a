import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ms from 'ms';
import { issueCertificate } from '../../src/certificate/issue.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';

const SIGNATURE_BYTES = 256;

/** Writes this many certificates, each other than the rest: real ones but for their signatures, as nobody checks those. */
export async function writeCertificates(folder: string, count: number): Promise<string[]> {
  const { certificate } = await issueCertificate({
    account: 'CORP\\alice',
    machine: 'PC-1',
    subject: parseSubjectTemplate(DEFAULT_SUBJECT),
    keySize: 2048,
    hash: 'sha256',
    validForMs: ms('8y'),
    now: new Date(),
  });
  const body = certificate.subarray(0, -SIGNATURE_BYTES);
  await mkdir(folder, { recursive: true });
  const files = Array.from({ length: count }, (_, index) => join(folder, `${index}.cer`));
  for (const file of files) await writeFile(file, Buffer.concat([body, randomBytes(SIGNATURE_BYTES)]));
  return files;
}
