import { type DecodedEntry, decode, type Entry } from './codec.ts';
import { asBuffer, digestSet, md5Hex, toHex } from './digest.ts';
import { examine } from './findings.ts';
import { identifierText } from './identifier.ts';
import { type Change, type Pair, sameBlob } from './pair.ts';

/**
 * How a certificate stands in a pair. `registered`: an entry with it and its digest are both there, so receivers accept
 * it (specification §5). `partly`: one of the two is there, or nobody can tell as the blob is malformed; it is neither to
 * be called registered nor to be thrown away. `absent`: neither is there.
 */
export type Standing = 'registered' | 'partly' | 'absent';

/** How the certificates of a pair stand, by digest in hex. */
export function standings(pair: Pair): (digest: string) => Standing {
  const listed = new Set(pair.digests.map(toHex));
  const examination = examine(pair);
  if (examination.kind === 'malformed') return () => 'partly';
  const sound = new Set(examination.entries.flatMap(({ digest, md5 }) => (digest === md5 ? [md5] : [])));
  const mentioned = new Set(examination.entries.flatMap(({ digest, md5 }) => [digest, md5]));
  return (digest) => {
    if (sound.has(digest) && listed.has(digest)) return 'registered';
    return mentioned.has(digest) || listed.has(digest) ? 'partly' : 'absent';
  };
}

/** What tells one registration from every other: the identifier is made anew, at random, for each entry. */
export interface EntryName {
  /** In hex. */
  digest: string;
  identifier: string;
}

export function entryName({ certificate, identifier }: Entry): EntryName {
  return { digest: md5Hex(certificate), identifier: identifierText(identifier) };
}

/** Whether these very entries are all registered; of none at all nothing can be said, so that is false. */
export function areRegistered(pair: Pair, names: readonly EntryName[]): boolean {
  return names.length > 0 && registeredAmong(pair, names).length === names.length;
}

/** Those of these very entries that are registered. */
export function registeredAmong(pair: Pair, names: readonly EntryName[]): EntryName[] {
  const standing = standings(pair);
  const sound = names.filter(({ digest }) => standing(digest) === 'registered');
  if (sound.length === 0) return [];
  const present = new Set(entriesIn(pair.blob).map(entryName).map(keyOf));
  return sound.filter((name) => present.has(keyOf(name)));
}

/**
 * Whether `now` can only have come about by this change. When in doubt it did not: a conflict makes the caller read
 * again, and a write that arrives late then fails at its comparison.
 */
export function tookEffect(before: Pair, change: Change, now: Pair): boolean {
  const present = digestSet(now.digests);
  const digestsAsWanted =
    change.digestsToAdd.every((digest) => present.has(digest)) &&
    !change.digestsToDelete.some((digest) => present.has(digest));
  if (!digestsAsWanted) return false;
  return sameBlob(now.blob, change.blob) || areRegistered(now, addedBy(before, change));
}

function addedBy(before: Pair, change: Change): EntryName[] {
  const known = new Set(entriesIn(before.blob).map(rawKey));
  return entriesIn(change.blob)
    .filter((entry) => !known.has(rawKey(entry)))
    .map(entryName);
}

/** None when they cannot be told: somebody may have put back a malformed blob. */
function entriesIn(blob: Uint8Array | null): DecodedEntry[] {
  try {
    return blob === null ? [] : decode(blob);
  } catch {
    return [];
  }
}

function keyOf({ digest, identifier }: EntryName): string {
  return `${digest} ${identifier}`;
}

function rawKey({ digest, identifier, certificate }: Entry): string {
  return [digest, identifier, certificate].map((bytes) => asBuffer(bytes).toString('hex')).join();
}
