import { COUNT_BYTES, type DecodedEntry, HEADER_BYTES, sequenceLength } from './codec.ts';
import { asBuffer, DIGEST_BYTES, md5 } from './digest.ts';

export interface Salvaged {
  /** In the order of the blob; `offset` is where each stands in the malformed value. */
  entries: DecodedEntry[];
  /** Stretches of the value that belong to no entry that can be read. */
  lost: { offset: number; bytes: number }[];
  /** The count at the start of the value, null when it is too short for one. */
  statedCount: number | null;
}

/** The largest certificate that a message can carry, in bytes (specification §1). */
const MOST_BYTES = 65_535;

/**
 * Every entry that can be read in a value that is no MQUSERSIGNCERTS (specification §1), whatever its count says. An
 * entry that follows another is known by its framing: a DER SEQUENCE of CertificateLength bytes. Elsewhere, and where
 * CertificateLength lies, an entry must prove itself: its Digest field is MD5 of the certificate. No certificate comes
 * out of this that does not stand in the value.
 */
export function salvage(value: Uint8Array): Salvaged {
  const blob = asBuffer(value);
  const entries: DecodedEntry[] = [];
  const lost: Salvaged['lost'] = [];
  let offset = Math.min(COUNT_BYTES, blob.length);
  while (offset < blob.length) {
    const entry = framedEntry(blob, offset) ?? provenEntry(blob, offset);
    if (entry !== null) {
      entries.push(entry);
      offset = endOf(entry);
      continue;
    }
    const next = nextProven(blob, offset + 1);
    lost.push({ offset, bytes: next - offset });
    offset = next;
  }
  return { entries, lost, statedCount: blob.length < COUNT_BYTES ? null : blob.readUInt32LE(0) };
}

/** The next place where an entry proves itself, or the end of the value. */
function nextProven(blob: Buffer, from: number): number {
  for (let at = blob.indexOf(0x30, from + HEADER_BYTES); at >= 0; at = blob.indexOf(0x30, at + 1)) {
    if (provenEntry(blob, at - HEADER_BYTES) !== null) return at - HEADER_BYTES;
  }
  return blob.length;
}

function framedEntry(blob: Buffer, offset: number): DecodedEntry | null {
  const length = certificateLength(blob, offset);
  return length !== null && blob.readUInt32LE(offset + HEADER_BYTES - 4) === length
    ? entryAt(blob, offset, length)
    : null;
}

function provenEntry(blob: Buffer, offset: number): DecodedEntry | null {
  const length = certificateLength(blob, offset);
  if (length === null || length > MOST_BYTES) return null;
  const entry = entryAt(blob, offset, length);
  return md5(entry.certificate).equals(entry.digest) ? entry : null;
}

/** What the certificate of an entry that may begin here says of its own length; null when there is none. */
function certificateLength(blob: Buffer, offset: number): number | null {
  const start = offset + HEADER_BYTES;
  const length = start >= blob.length ? null : sequenceLength(blob.subarray(start));
  return length !== null && length <= blob.length - start ? length : null;
}

function entryAt(blob: Buffer, offset: number, length: number): DecodedEntry {
  const start = offset + HEADER_BYTES;
  return {
    offset,
    digest: blob.subarray(offset, offset + DIGEST_BYTES),
    identifier: blob.subarray(offset + DIGEST_BYTES, start - 4),
    certificate: blob.subarray(start, start + length),
  };
}

function endOf({ offset, certificate }: DecodedEntry): number {
  return offset + HEADER_BYTES + certificate.length;
}
