import { type DecodedEntry, decode, MalformedBlobError } from './codec.ts';
import { md5Hex, toHex } from './digest.ts';
import type { Pair } from './pair.ts';

/** What can be wrong with an entry when nothing but the pair is known: no clock, no directory, no X.509. */
export type EntryFinding = 'digest-mismatch' | 'digest-missing' | 'digest-duplicate';

export interface ExaminedEntry {
  entry: DecodedEntry;
  /** The entry's Digest field, in hex. */
  digest: string;
  /** MD5 of the certificate, in hex, which the Digest field should equal. */
  md5: string;
  findings: EntryFinding[];
}

/** A pair, decoded and examined. A malformed blob (`malformed-blob`) still says what was readable before the break. */
export type Examination =
  | { kind: 'decoded'; entries: ExaminedEntry[]; orphanDigests: Uint8Array[] }
  | { kind: 'malformed'; error: MalformedBlobError };

/**
 * Decodes a pair and compares its halves by digest.
 *
 * - `digest-mismatch`: the entry's Digest field is not MD5 of its certificate;
 * - `digest-missing`: the certificate's digest is not in mSMQDigests, so receivers cannot find the user by it;
 * - `digest-duplicate`: an earlier entry holds the same certificate;
 * - orphan digests (`digest-orphan`): values of mSMQDigests that belong to no entry.
 */
export function examine(pair: Pair): Examination {
  let decoded: DecodedEntry[];
  try {
    decoded = pair.blob === null ? [] : decode(pair.blob);
  } catch (error) {
    if (error instanceof MalformedBlobError) return { kind: 'malformed', error };
    throw error;
  }

  const listed = new Map(pair.digests.map((digest) => [toHex(digest), digest]));
  const certified = new Set<string>();
  const misstated = new Set<string>();
  const entries = decoded.map((entry): ExaminedEntry => {
    const md5 = md5Hex(entry.certificate);
    const digest = toHex(entry.digest);
    const findings: EntryFinding[] = [];
    if (md5 !== digest) findings.push('digest-mismatch');
    if (!listed.has(md5) && !listed.has(digest)) findings.push('digest-missing');
    if (certified.has(md5)) findings.push('digest-duplicate');
    certified.add(md5);
    if (md5 !== digest) misstated.add(digest);
    return { entry, digest, md5, findings };
  });
  const orphans = [...listed].filter(([digest]) => !certified.has(digest) && !misstated.has(digest));
  return { kind: 'decoded', entries, orphanDigests: orphans.map(([, digest]) => digest) };
}
