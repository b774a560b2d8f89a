import { MsmqCertError } from '../errors.ts';
import { type DecodedEntry, decode, type Entry, encode, sequenceLength } from './codec.ts';
import { asBuffer, digestSet, md5 } from './digest.ts';
import { newIdentifier } from './identifier.ts';
import type { Change, Pair } from './pair.ts';

/**
 * Makes the entry under which a certificate is registered: its MD5 and a new identifier (specification §4).
 * @throws MsmqCertError invalid-certificate when the bytes are no single DER SEQUENCE
 */
export function newEntry(certificate: Uint8Array): Entry {
  if (sequenceLength(certificate) !== certificate.length) {
    throw new MsmqCertError('invalid-certificate', `these ${certificate.length} bytes are no DER certificate`, {
      hint: 'give one X.509 certificate in DER form',
    });
  }
  return { digest: md5(certificate), identifier: newIdentifier(), certificate: asBuffer(certificate) };
}

/** Adds entries after the ones that are there. */
export function append(pair: Pair, entries: readonly Entry[]): Change {
  const before = entriesOf(pair);
  return rewrite(pair, before, [...before, ...entries]);
}

/**
 * Takes out every entry with one of these digests, and the digests themselves.
 * @throws MsmqCertError digest-not-found when one of them is on no entry
 */
export function remove(pair: Pair, digests: readonly Uint8Array[]): Change {
  return replace(pair, digests, []);
}

/** Takes out the entries with these digests and appends others, all in one change. */
export function replace(pair: Pair, digests: readonly Uint8Array[], entries: readonly Entry[]): Change {
  const before = entriesOf(pair);
  const present = digestSet(before.map((entry) => entry.digest));
  for (const digest of digests) {
    if (!present.has(digest)) throw digestNotFound(digest);
  }
  const gone = digestSet(digests);
  return rewrite(pair, before, [...before.filter((entry) => !gone.has(entry.digest)), ...entries]);
}

/**
 * The change that turns the entries `before` (as decoded from `pair`) into `after`. Entries are told apart by identity:
 * one that stands in both lists keeps its bytes. The digests follow: those of new entries are added unless they are there
 * already, those of dropped entries are deleted unless another entry still needs them. Digests that belong to neither
 * are left as they are; that is repair's work.
 */
export function rewrite(pair: Pair, before: readonly Entry[], after: readonly Entry[]): Change {
  const kept = new Set(after);
  const known = new Set(before);
  const added = after.filter((entry) => !known.has(entry));
  const dropped = before.filter((entry) => !kept.has(entry));

  const present = digestSet(pair.digests);
  const needed = digestSet(after.flatMap(claimedDigests));
  return {
    blob: after.length === 0 ? null : encode(after),
    digestsToAdd: unique(added.map((entry) => entry.digest)).filter((digest) => !present.has(digest)),
    digestsToDelete: unique(dropped.flatMap(claimedDigests)).filter(
      (digest) => present.has(digest) && !needed.has(digest),
    ),
  };
}

/** The change that leads from one state of the pair to exactly another. */
export function changeTo(before: Pair, after: Pair): Change {
  const present = digestSet(before.digests);
  const wanted = digestSet(after.digests);
  return {
    blob: after.blob,
    digestsToAdd: unique(after.digests).filter((digest) => !present.has(digest)),
    digestsToDelete: unique(before.digests).filter((digest) => !wanted.has(digest)),
  };
}

/** The pair as it stands after a change. */
export function applyChange(pair: Pair, change: Change): Pair {
  const deleted = digestSet(change.digestsToDelete);
  return {
    blob: change.blob,
    digests: [...pair.digests.filter((digest) => !deleted.has(digest)), ...change.digestsToAdd],
  };
}

/** The entries of a pair; an absent attribute means none (specification §2). */
export function entriesOf(pair: Pair): DecodedEntry[] {
  return pair.blob === null ? [] : decode(pair.blob);
}

/** The digests by which an entry can stand in mSMQDigests: what its Digest field says, and what it should say. */
function claimedDigests(entry: Entry): Buffer[] {
  const actual = md5(entry.certificate);
  return actual.equals(entry.digest) ? [entry.digest] : [entry.digest, actual];
}

function unique(digests: readonly Uint8Array[]): Uint8Array[] {
  const seen = digestSet();
  return digests.filter((digest) => {
    if (seen.has(digest)) return false;
    seen.add(digest);
    return true;
  });
}

export function digestNotFound(digest: Uint8Array): MsmqCertError {
  const hex = asBuffer(digest).toString('hex');
  return new MsmqCertError('digest-not-found', `no certificate with the digest ${hex} is registered`, {
    hint: 'msmq-cert list shows the digests of a user',
  });
}
