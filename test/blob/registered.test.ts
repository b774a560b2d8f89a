import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Entry, encode } from '../../src/blob/codec.ts';
import { md5, toHex } from '../../src/blob/digest.ts';
import { append, applyChange, newEntry, remove } from '../../src/blob/edit.ts';
import type { Change, Pair } from '../../src/blob/pair.ts';
import { areRegistered, entryName, standings, tookEffect } from '../../src/blob/registered.ts';
import { derSequence } from './arbitraries.ts';

const [old, ours, rivals] = ['old', 'ours', 'rivals'].map((text) => newEntry(derSequence(Buffer.from(text)))) as [
  Entry,
  Entry,
  Entry,
];
const pairOf = (...entries: Entry[]): Pair => ({ blob: encode(entries), digests: entries.map(({ digest }) => digest) });
const malformed = Buffer.from('no blob');

describe('how a certificate stands', () => {
  const standing = (pair: Pair, entry = ours) => standings(pair)(toHex(entry.digest));

  it('is registered when its entry and its digest are there', () => {
    assert.equal(standing(pairOf(old, ours)), 'registered');
  });

  const partly: [why: string, pair: Pair][] = [
    ['the digest is missing', { ...pairOf(old, ours), digests: [old.digest] }],
    ['the entry is missing', { ...pairOf(old), digests: [old.digest, ours.digest] }],
    ['the blob is gone and the digest left', { blob: null, digests: [ours.digest] }],
    [
      'the entry states another digest',
      { ...pairOf({ ...ours, digest: md5(Buffer.from('x')) }), digests: [ours.digest] },
    ],
    ['the blob cannot be read', { blob: malformed, digests: [] }],
  ];
  for (const [why, pair] of partly) {
    it(`is partly registered when ${why}`, () => {
      assert.equal(standing(pair), 'partly');
      assert.equal(areRegistered(pair, [entryName(ours)]), false);
    });
  }

  it('is absent when neither is there', () => {
    assert.equal(standing(pairOf(old)), 'absent');
    assert.equal(standing({ blob: null, digests: [] }), 'absent');
  });
});

describe('whether these very entries are registered', () => {
  it('needs all of them', () => {
    assert.ok(areRegistered(pairOf(old, ours, rivals), [ours, rivals].map(entryName)));
    assert.equal(areRegistered(pairOf(old, ours), [ours, rivals].map(entryName)), false);
  });

  it('cannot be said of none', () => {
    assert.equal(areRegistered(pairOf(old), []), false);
  });

  it('is not so when somebody else registered the same certificate', () => {
    assert.equal(areRegistered(pairOf(newEntry(ours.certificate)), [entryName(ours)]), false);
  });
});

describe('whether a write took effect', () => {
  const before = pairOf(old);
  const adds = append(before, [ours]);
  const after = applyChange(before, adds);

  it('did when both attributes are as they should be', () => {
    assert.ok(tookEffect(before, adds, after));
  });

  it('did when somebody has gone on from there', () => {
    assert.ok(tookEffect(before, adds, applyChange(after, append(after, [rivals]))));
  });

  const removes = remove(before, [old.digest]);
  const not: [why: string, now: Pair, to?: Change][] = [
    ['nothing changed', before],
    ['the old blob is still there', { ...after, blob: before.blob }],
    ['the digest is there in another blob without the entry', { ...pairOf(old, rivals), digests: after.digests }],
    ['the digest is there and the blob gone', { blob: null, digests: after.digests }],
    ['the entry is there without its digest', { ...after, digests: before.digests }],
    ['a rival was first', pairOf(old, rivals)],
    ['a rival registered the same certificate', pairOf(old, newEntry(ours.certificate))],
    ['the deleted digest is there', { blob: null, digests: [old.digest] }, removes],
    ['the pair is gone', { blob: null, digests: [] }],
    ['a removal cannot be told from that of a rival', pairOf(rivals), removes],
    ['the blob that it would have put back cannot be read', pairOf(rivals), { ...adds, blob: malformed }],
  ];
  for (const [why, now, to = adds] of not) {
    it(`did not when ${why}`, () => {
      assert.equal(tookEffect(before, to, now), false);
    });
  }

  it('is never claimed while the old pair is unchanged, and always when the new one is there', () => {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    const digest = (fill: number) => new Uint8Array(16).fill(fill);
    const fills = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 9 });
    const property = fc.property(fills, fc.nat(), fc.nat(), fc.boolean(), (all, a, b, sameBlob) => {
      const [from, to] = [a % all.length, b % all.length].sort((left, right) => left - right);
      const [kept, deleted, added] = [all.slice(0, from), all.slice(from, to), all.slice(to)].map((some) =>
        some.map(digest),
      );
      const present: Pair = { blob: bytes('old'), digests: [...(kept ?? []), ...(deleted ?? [])] };
      const wanted = {
        blob: bytes(sameBlob ? 'old' : 'new'),
        digestsToAdd: added ?? [],
        digestsToDelete: deleted ?? [],
      };
      assert.equal(tookEffect(present, wanted, present), false);
      assert.ok(tookEffect(present, wanted, { blob: wanted.blob, digests: [...(kept ?? []), ...(added ?? [])] }));
    });
    fc.assert(property);
  });
});
