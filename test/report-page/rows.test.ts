import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Row, rowsOf, type Selection, type SortKey, select } from '../../src/report-page/rows.ts';
import { certificateFor, userNamed } from './sample.ts';

const everything: Selection = { search: '', finding: '', sortedBy: 'user', direction: 'ascending' };

const [ann, bob, cleo] = rowsOf([
  userNamed('cleo', [], { findings: ['legacy-attributes'], orphanDigests: ['0123456789abcdef'.repeat(2)] }),
  userNamed('ann', [
    certificateFor('PC-1', { notAfter: '2030-01-01T00:00:00.000Z', findings: ['weak-key'] }),
    certificateFor('PC-2', { notAfter: '2028-01-01T00:00:00.000Z', findings: ['weak-key', 'superseded'] }),
  ]),
  userNamed('bob', [certificateFor('PC-10', { notAfter: '2029-01-01T00:00:00.000Z' })]),
]);
assert(ann && bob && cleo);
const rows = [ann, bob, cleo];

describe('the rows of the table of users', () => {
  it('count the findings of the user and of its certificates', () => {
    assert.deepEqual(
      [...ann.findings],
      [
        ['weak-key', 2],
        ['superseded', 1],
      ],
    );
    assert.equal(ann.findingCount, 3);
  });

  it('know the certificate that ends first', () => {
    assert.equal(ann.firstExpiry, '2028-01-01T00:00:00.000Z');
    assert.equal(cleo.firstExpiry, null);
  });

  const orders: [SortKey, Row[]][] = [
    ['user', [ann, bob, cleo]],
    ['certificates', [cleo, bob, ann]],
    ['size', [cleo, bob, ann]],
    ['expiry', [ann, bob, cleo]],
    ['findings', [bob, cleo, ann]],
  ];
  for (const [sortedBy, expected] of orders) {
    it(`are sorted by ${sortedBy} in both directions`, () => {
      assert.deepEqual(namesOf(select(rows, { ...everything, sortedBy })), namesOf(expected));
      const descending = select(rows, { ...everything, sortedBy, direction: 'descending' });
      assert.deepEqual(namesOf(descending), namesOf(expected.toReversed()));
    });
  }

  it('put numbers in names in their order, and equal rows in the order of names', () => {
    const numbered = rowsOf(['user10', 'user9', 'user1'].map((name) => userNamed(name)));
    const ordered = ['CORP\\user1', 'CORP\\user9', 'CORP\\user10'];
    assert.deepEqual(namesOf(select(numbered, everything)), ordered);
    const bySize: Selection = { ...everything, sortedBy: 'size', direction: 'descending' };
    assert.deepEqual(namesOf(select(numbered, bySize)), ordered);
  });

  it('are found by every word of name, machine, SID, digest, whatever its case', () => {
    const found = (search: string) => namesOf(select(rows, { ...everything, search }));
    assert.deepEqual(found('CLEO'), ['CORP\\cleo']);
    assert.deepEqual(found('pc-1'), ['CORP\\ann', 'CORP\\bob']);
    assert.deepEqual(found('  pc-1  ann '), ['CORP\\ann']);
    assert.deepEqual(found('0123456789ABCDEF'), ['CORP\\cleo']);
    assert.deepEqual(found('s-1-5-21'), namesOf(select(rows, everything)));
    assert.deepEqual(found('nobody'), []);
  });

  it('are narrowed down to a finding', () => {
    assert.deepEqual(namesOf(select(rows, { ...everything, finding: 'weak-key' })), ['CORP\\ann']);
  });

  it('are all found by any part of their name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), fc.nat(), (name, from) => {
        const only = rowsOf([userNamed(name)]);
        const part = name.slice(from % name.length);
        assert.deepEqual(select(only, { ...everything, search: part }), only);
      }),
    );
  });
});

function namesOf(selected: readonly Row[]): string[] {
  return selected.map(({ user }) => user.user);
}
