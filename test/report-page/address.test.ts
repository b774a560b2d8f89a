import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FIRST, fragmentFor, selectionIn } from '../../src/report-page/address.ts';
import { sortKeys } from '../../src/report-page/rows.ts';

const findings = ['expired', 'weak-key'];

describe('the address of a report', () => {
  it('keeps every selection', () => {
    const parts = {
      search: fc.string({ unit: 'grapheme' }),
      finding: fc.constantFrom('', ...findings),
      sortedBy: fc.constantFrom(...sortKeys),
      direction: fc.constantFrom('ascending' as const, 'descending' as const),
    };
    fc.assert(
      fc.property(fc.record(parts, { noNullPrototype: true }), (selected) => {
        assert.deepEqual(selectionIn(fragmentFor(selected), findings), selected);
      }),
    );
  });

  it('says nothing of what is shown at first', () => {
    assert.equal(fragmentFor(FIRST), '');
    assert.deepEqual(selectionIn('', findings), FIRST);
    assert.equal(fragmentFor({ ...FIRST, search: 'pc 1' }), '#search=pc+1');
  });

  it('is as if it said nothing where it makes no sense', () => {
    assert.deepEqual(selectionIn('#finding=nonsense&sort=__proto__&order=sideways&other=1', findings), FIRST);
    assert.deepEqual(selectionIn('#%%%', findings), FIRST);
  });
});
