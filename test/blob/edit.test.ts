import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode, type Entry, encode } from '../../src/blob/codec.ts';
import { md5, toHex } from '../../src/blob/digest.ts';
import { append, applyChange, changeTo, entriesOf, newEntry, remove, replace, rewrite } from '../../src/blob/edit.ts';
import { examine } from '../../src/blob/findings.ts';
import type { Pair } from '../../src/blob/pair.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { arbitraryCertificate, arbitraryEntry, derSequence } from './arbitraries.ts';
import { vectorBytes } from './vectors.ts';

const nobody: Pair = { blob: null, digests: [] };

describe('edits', () => {
  const first = derSequence(Buffer.from('first'));
  const second = derSequence(Buffer.from('second'));

  it('begin from an absent attribute and end with one', () => {
    const one = applyChange(nobody, append(nobody, [newEntry(first)]));
    assert.deepEqual(one.digests, [md5(first)]);
    const change = remove(one, [md5(first)]);
    assert.deepEqual(change, { blob: null, digestsToAdd: [], digestsToDelete: [md5(first)] });
  });

  it('do not add a digest that is there already, as an orphan', () => {
    const orphaned: Pair = { blob: null, digests: [md5(first)] };
    assert.deepEqual(append(orphaned, [newEntry(first), newEntry(second)]).digestsToAdd, [md5(second)]);
  });

  it('keep a digest that another entry still needs', () => {
    const pair = sound([newEntry(first), newEntry(first)]);
    const [a, b] = entriesOf(pair);
    assert.ok(a && b);
    assert.deepEqual(rewrite(pair, [a, b], [a]).digestsToDelete, []);
  });

  it('remove both digests of an entry whose Digest field is wrong', () => {
    const wrong: Entry = { ...newEntry(first), digest: Buffer.alloc(16, 7) };
    const pair: Pair = { blob: encode([wrong]), digests: [wrong.digest, md5(first)] };
    assert.deepEqual(remove(pair, [wrong.digest]), {
      blob: null,
      digestsToAdd: [],
      digestsToDelete: [wrong.digest, md5(first)],
    });
  });

  it('refuse to remove what is not there', () => {
    assert.throws(
      () => remove(sound([newEntry(first)]), [md5(second)]),
      (error) => error instanceof MsmqCertError && error.code === 'digest-not-found',
    );
  });

  it('refuse to append what is no DER', () => {
    assert.throws(
      () => newEntry(Buffer.from('#!/bin/sh\n')),
      (error) => error instanceof MsmqCertError && error.code === 'invalid-certificate',
    );
  });

  it('carry foreign content through byte for byte', () => {
    const blob = vectorBytes('junk-in-der.bin');
    const [junk, certificate] = decode(blob);
    assert.ok(junk && certificate);
    const pair: Pair = { blob, digests: [junk.digest, certificate.digest] };
    const after = replace(pair, [certificate.digest], [newEntry(first)]).blob;
    assert.ok(after);
    assert.deepEqual(after.subarray(4, 4 + 36 + 7), blob.subarray(4, 4 + 36 + 7));
  });

  it('keep blob and digests consistent in any sequence', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), certificates: fc.array(arbitraryCertificate()) }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.array(fc.nat()) }),
      fc.record({
        kind: fc.constant('replace' as const),
        at: fc.array(fc.nat()),
        certificates: fc.array(arbitraryCertificate()),
      }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let pair = nobody;
        for (const each of steps) {
          const entries = entriesOf(pair);
          const digests = 'at' in each ? each.at.flatMap((at) => entries[at % entries.length]?.digest ?? []) : [];
          const added = 'certificates' in each ? each.certificates.map(newEntry) : [];
          const next = applyChange(pair, replace(pair, digests, added));
          assertSound(next);
          const gone = new Set(digests.map(toHex));
          const untouched = entries.filter((entry) => !gone.has(toHex(entry.digest)));
          assert.deepEqual(entriesOf(next).map(bare), [...untouched, ...added].map(bare));
          pair = next;
        }
      }),
    );
  });

  it('never touch an entry or a digest that they were not asked about, however broken the pair is', () => {
    const anyDigest = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        fc.array(arbitraryEntry()),
        fc.array(anyDigest),
        arbitraryCertificate(),
        (entries, orphans, certificate) => {
          const pair: Pair = { blob: encode(entries), digests: orphans };
          const after = applyChange(pair, append(pair, [newEntry(certificate)]));
          assert.deepEqual(entriesOf(after).slice(0, entries.length).map(bare), entries.map(bare));
          assert.deepEqual(after.digests.slice(0, orphans.length), orphans);
        },
      ),
    );
  });

  it('can be taken back exactly', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry()), fc.array(arbitraryCertificate()), (entries, certificates) => {
        const before: Pair = { blob: encode(entries), digests: uniqueDigests(entries) };
        const after = applyChange(before, append(before, certificates.map(newEntry)));
        const restored = applyChange(after, changeTo(after, before));
        assert.deepEqual(restored.blob, before.blob);
        assert.deepEqual(restored.digests.map(toHex).sort(), before.digests.map(toHex).sort());
      }),
    );
  });
});

describe('findings of a pair', () => {
  it('are none when blob and digests agree', () => {
    const blob = vectorBytes('three-rsa.bin');
    const examined = examine({ blob, digests: decode(blob).map((entry) => entry.digest) });
    assert.ok(examined.kind === 'decoded');
    assert.deepEqual(
      examined.entries.map(({ findings }) => findings),
      [[], [], []],
    );
    assert.deepEqual(examined.orphanDigests, []);
  });

  it('name a mismatch once, whichever of the two digests is listed', () => {
    const blob = vectorBytes('digest-mismatch.bin');
    const [wrong, ...others] = decode(blob);
    assert.ok(wrong);
    const rest = others.map((entry) => entry.digest);
    for (const listed of [wrong.digest, md5(wrong.certificate)]) {
      const examined = examine({ blob, digests: [listed, ...rest] });
      assert.ok(examined.kind === 'decoded');
      assert.deepEqual(
        examined.entries.map(({ findings }) => findings),
        [['digest-mismatch'], [], []],
      );
      assert.deepEqual(examined.orphanDigests, []);
    }
  });

  it('name missing, orphan and duplicate digests', () => {
    const blob = vectorBytes('duplicate.bin');
    const orphan = Buffer.alloc(16, 1);
    const examined = examine({ blob, digests: [orphan] });
    assert.ok(examined.kind === 'decoded');
    assert.deepEqual(
      examined.entries.map(({ findings }) => findings),
      [['digest-missing'], ['digest-missing', 'digest-duplicate']],
    );
    assert.deepEqual(examined.orphanDigests, [orphan]);
  });

  it('say where a malformed blob broke', () => {
    const examined = examine({ blob: vectorBytes('trailing-bytes.bin'), digests: [] });
    assert.ok(examined.kind === 'malformed');
    assert.equal(examined.error.offset, 2605);
    assert.equal(examined.error.readable.length, 3);
  });

  it('call an orphan what is left when the blob is gone', () => {
    const examined = examine({ blob: null, digests: [Buffer.alloc(16, 9)] });
    assert.ok(examined.kind === 'decoded');
    assert.equal(examined.orphanDigests.length, 1);
  });
});

function sound(entries: Entry[]): Pair {
  return { blob: encode(entries), digests: uniqueDigests(entries) };
}

function uniqueDigests(entries: Entry[]): Buffer[] {
  return [...new Map(entries.map((entry) => [toHex(entry.digest), entry.digest])).values()];
}

function bare({ digest, identifier, certificate }: Entry): string[] {
  return [toHex(digest), toHex(identifier), toHex(certificate)];
}

function assertSound(pair: Pair): void {
  const inBlob = uniqueDigests(entriesOf(pair)).map(toHex).sort();
  assert.deepEqual(pair.digests.map(toHex).sort(), inBlob);
}
