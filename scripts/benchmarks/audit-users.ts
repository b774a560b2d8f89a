import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encode } from '../../src/blob/codec.ts';
import { newEntry } from '../../src/blob/edit.ts';
import { issueCertificate } from '../../src/certificate/issue.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import { ldifAttribute, ldifBinary } from '../../src/directory/ldif/ldif.ts';

const YEAR_MS = 365 * 86_400_000;
const SIGNATURE_BYTES = 16;

/** Makes as many pairs as wanted, each with other certificates: real ones but for their signatures, as nobody checks those. */
export async function pairMaker(certificates: number) {
  const { certificate } = await issueCertificate({
    account: 'CORP\\alice',
    machine: 'PC-1',
    subject: parseSubjectTemplate(DEFAULT_SUBJECT),
    keySize: 2048,
    hash: 'sha256',
    validForMs: 8 * YEAR_MS,
    now: new Date(),
  });
  return (user: number) => {
    const entries = Array.from({ length: certificates }, (_, index) => {
      const other = Buffer.from(certificate);
      createHash('md5')
        .update(`${user}/${index}`)
        .digest()
        .copy(other, other.length - SIGNATURE_BYTES);
      return newEntry(other);
    });
    return { blob: encode(entries), digests: entries.map(({ digest }) => digest) };
  };
}

/** Writes an export of this many users, a tenth as many computers among them. Those in trouble lack their digests. */
export async function writeExport(
  file: string,
  users: number,
  certificates: number,
  isInTrouble: (user: number) => boolean = () => false,
): Promise<void> {
  const pairOf = await pairMaker(certificates);
  const records = function* (): Generator<string> {
    for (let user = 0; user < users; user++) {
      if (user % 10 === 0) yield computerRecord(user / 10 + 1);
      const pair = pairOf(user);
      yield userRecord(user, isInTrouble(user) ? { ...pair, digests: [] } : pair);
    }
  };
  await pipeline(Readable.from(records()), createWriteStream(file));
}

function userRecord(number: number, { blob, digests }: { blob: Buffer; digests: Buffer[] }): string {
  const name = `user${number}`;
  return [
    ldifAttribute('dn', `CN=${name},OU=MQ,DC=corp,DC=example`),
    ldifAttribute('objectClass', 'user'),
    ldifAttribute('sAMAccountName', name),
    ldifBinary('mSMQSignCertificates', blob),
    ...digests.map((digest) => ldifBinary('mSMQDigests', digest)),
    '\n',
  ].join('');
}

function computerRecord(number: number): string {
  return [
    ldifAttribute('dn', `CN=PC-${number},CN=Computers,DC=corp,DC=example`),
    ldifAttribute('objectClass', 'computer'),
    ldifAttribute('sAMAccountName', `PC-${number}$`),
    ldifAttribute('dNSHostName', `pc-${number}.corp.example`),
    '\n',
  ].join('');
}
