import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { toHex } from '../../../src/blob/digest.ts';
import { sharedDigests } from '../../../src/inspect/audit/shared.ts';

const digest = fc.integer({ min: 0, max: 30 }).map((value) => Buffer.alloc(16, value));

describe('digests on more than one object', () => {
  it('are exactly those that a count over the objects finds', () => {
    fc.assert(
      fc.property(fc.array(fc.array(digest, { maxLength: 6 }), { maxLength: 20 }), (objects) => {
        const shared = sharedDigests();
        for (const object of objects) shared.add(object);
        for (const each of objects.flat()) {
          const holders = objects.filter((object) => object.some((other) => other.equals(each)));
          assert.equal(shared.has(each), holders.length > 1, toHex(each));
        }
      }),
    );
  });

  it('are found among many, however much the table grows', () => {
    const shared = sharedDigests();
    const all = Array.from({ length: 20_000 }, () => randomBytes(16));
    all.forEach((each) => {
      shared.add([each]);
    });
    const again = all.filter((_, index) => index % 1000 === 0);
    shared.add(again);
    assert.deepEqual(
      all.filter((each) => shared.has(each)),
      again,
    );
  });

  it('are MD5: values of another length are passed over', () => {
    const shared = sharedDigests();
    for (const odd of [Buffer.of(), Buffer.alloc(15, 1), Buffer.alloc(17, 1)]) {
      shared.add([odd]);
      shared.add([odd]);
      assert.equal(shared.has(odd), false);
    }
  });
});
