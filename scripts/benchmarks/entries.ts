import { randomBytes } from 'node:crypto';
import { type Entry, entryBytes } from '../../src/blob/codec.ts';
import { newEntry } from '../../src/blob/edit.ts';

/** As large as a certificate that this tool makes. */
const CERTIFICATE_BYTES = 770;
const HEADER_BYTES = 4;

/** As many entries as fit into a blob of this size: random bytes in a DER SEQUENCE, which is all that decoding looks at. */
export function entriesThatFill(blobBytes: number): Entry[] {
  return Array.from({ length: Math.floor(blobBytes / entryBytes(CERTIFICATE_BYTES)) }, () => newEntry(certificate()));
}

function certificate(): Buffer {
  const content = randomBytes(CERTIFICATE_BYTES - HEADER_BYTES);
  return Buffer.concat([Buffer.of(0x30, 0x82, content.length >> 8, content.length & 0xff), content]);
}
