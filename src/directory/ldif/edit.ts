import { toHex } from '../../blob/digest.ts';
import { type Change, type Pair, sameBlob } from '../../blob/pair.ts';
import { baseName, ldifBinary, nameOf } from './ldif.ts';
import { type Block, logicalLines } from './lines.ts';

const PAIR = new Set(['msmqsigncertificates', 'msmqdigests']);

/** The pair after a change, or null where a directory would refuse it with result 16 or 20 (specification §7). */
export function pairAfter(now: Pair, before: Pair, change: Change): Pair | null {
  if (!sameBlob(now.blob, before.blob)) return null;
  const digests = new Map(now.digests.map((digest) => [toHex(digest), digest]));
  const deleted = change.digestsToDelete.every((digest) => digests.delete(toHex(digest)));
  const added = change.digestsToAdd.every(
    (digest) => !digests.has(toHex(digest)) && digests.set(toHex(digest), digest),
  );
  return deleted && added ? { blob: change.blob, digests: [...digests.values()] } : null;
}

/**
 * The bytes of a record with another pair. Lines of other attributes stay as they are, byte for byte, and so do the
 * line ends.
 */
export function editRecord(record: Block, pair: Pair): Buffer {
  const newline = record.bytes.includes('\r\n') ? '\r\n' : '\n';
  const kept: Buffer[] = [];
  let insertAt: number | null = null;
  let at = 0;
  for (const line of logicalLines(record)) {
    if (!PAIR.has(baseName(nameOf(record, line)))) continue;
    kept.push(record.bytes.subarray(at, line.start));
    insertAt ??= line.start;
    at = line.end;
  }
  const above = record.bytes.subarray(0, insertAt ?? record.bytes.length);
  const below = insertAt === null ? [] : [...kept.slice(1), record.bytes.subarray(at)];
  return Buffer.concat([above, lineEndAfter(above, newline), Buffer.from(pairLines(pair, newline)), ...below]);
}

/** The last record of a file may end without a newline. */
function lineEndAfter(bytes: Buffer, newline: string): Buffer {
  return Buffer.from(bytes.at(-1) === 0x0a ? '' : newline);
}

function pairLines({ blob, digests }: Pair, newline: string): string {
  const blobLines = blob === null ? '' : ldifBinary('mSMQSignCertificates', blob, newline);
  return blobLines + digests.map((digest) => ldifBinary('mSMQDigests', digest, newline)).join('');
}
