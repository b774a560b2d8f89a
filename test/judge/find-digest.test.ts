import assert from 'node:assert/strict';
import { findDigest } from '../../src/judge/find-digest.ts';
import type { Registered } from '../../src/judge/state.ts';

const named = (digest: string, md5 = digest) => ({ digest, md5 }) as Registered;

describe('The beginning of a digest', () => {
  const entries = [
    named('aaaaaa11'),
    named('aaaaaa22'),
    named('bbbbbb11', 'cccccc11'),
    named('dddddd11'),
    named('dddddd11'),
  ];

  it('is found where it is unique, by what the entry states or the certificate has', () => {
    for (const [prefix, digest] of [
      ['aaaaaa1', 'aaaaaa11'],
      ['bbbbbb', 'bbbbbb11'],
      ['cccccc', 'cccccc11'],
      ['dddddd', 'dddddd11'],
    ] as const) {
      assert.deepEqual(findDigest(entries, prefix), { kind: 'found', digest });
    }
  });

  it('names the candidates where it is not', () => {
    assert.deepEqual(findDigest(entries, 'aaaaaa'), { kind: 'ambiguous', digests: ['aaaaaa11', 'aaaaaa22'] });
    assert.deepEqual(findDigest(entries, 'eeeeee'), { kind: 'none' });
  });
});
