import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readAhead } from '../../../src/inspect/audit/read-ahead.ts';

async function* counting(items: number, read: number[], failure?: Error): AsyncGenerator<number> {
  for (let item = 0; item < items; item++) {
    read.push(item);
    yield item;
  }
  if (failure !== undefined) throw failure;
}

/** Lets everything go on that waits for nothing but its turn. */
function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('reading ahead', () => {
  it('gives every item once and in order, whatever the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.nat(40), fc.boolean(), async (items, limit, late) => {
        const ahead = readAhead(counting(items, []), () => 1, limit);
        if (late) await turns();
        assert.deepEqual(
          await Array.fromAsync(ahead),
          Array.from({ length: items }, (_, item) => item),
        );
      }),
    );
  });

  it('begins before anybody reads, and stops at the limit', async () => {
    const read: number[] = [];
    const ahead = readAhead(counting(100, read), () => 10, 35);
    await turns();
    assert.deepEqual(read, [0, 1, 2, 3]);
    assert.equal((await Array.fromAsync(ahead)).length, 100);
  });

  it('gives what came before a failure, then the failure', async () => {
    for (const limit of [0, 2, 10]) {
      const ahead = readAhead(counting(3, [], new Error('broke off')), () => 1, limit);
      await turns();
      const got: number[] = [];
      await assert.rejects(async () => {
        for await (const item of ahead) got.push(item);
      }, /broke off/);
      assert.deepEqual(got, [0, 1, 2]);
    }
  });
});
