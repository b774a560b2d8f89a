import assert from 'node:assert/strict';

const arrayIterator = Object.getPrototypeOf([][Symbol.iterator]());

/** Counts the names that are compared and the array elements that are gone through or copied while some work is done. */
async function operationsOf(work: () => unknown): Promise<number> {
  let operations = 0;
  const { next } = arrayIterator;
  const { toLowerCase } = String.prototype;
  arrayIterator.next = function (this: unknown) {
    operations++;
    return next.call(this);
  };
  String.prototype.toLowerCase = function () {
    operations++;
    return toLowerCase.call(this);
  };
  try {
    await work();
    return operations;
  } finally {
    arrayIterator.next = next;
    String.prototype.toLowerCase = toLowerCase;
  }
}

/** Twice as much takes about twice as many operations, not four times. */
export async function assertGrowsStraight(workOn: (size: number) => unknown): Promise<void> {
  const [some, twice] = [await operationsOf(() => workOn(1000)), await operationsOf(() => workOn(2000))];
  assert.ok(some > 1000, `${some} operations for 1000: what was to be counted is no longer done`);
  assert.ok(twice < 2.5 * some, `${some} operations for 1000, ${twice} for 2000`);
}
