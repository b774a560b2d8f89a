import assert from 'node:assert/strict';
import fc from 'fast-check';
import { watchedClock, windowOf } from '../../src/queue/rate.ts';

/** A turn is used so late at most. */
const LATE_MS = 50;

/** The times of use, as somebody finds them who wants as many as he can in some second. */
function usesOf({ points, ms }: { points: number; ms: number }, pauses: readonly number[], greedy: readonly number[]) {
  const uses: number[] = [];
  let start = 0;
  for (const [index, wait] of pauses.entries()) {
    start += wait;
    const share = greedy[index % greedy.length] ?? 0;
    // a window is anchored where it is first used
    uses.push(start);
    for (let point = 1; point < points; point++) uses.push(start + Math.floor(share * (ms - 1)));
    start += ms;
  }
  return uses.map((use, index) => use + (index < uses.length / 2 ? LATE_MS : 0)).sort((one, other) => one - other);
}

function mostInASecond(uses: readonly number[]): number {
  let [first, most] = [0, 0];
  for (const [last, use] of uses.entries()) {
    while (use - (uses[first] ?? 0) >= 1000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe('the rate that workers share', () => {
  it('has no second with more turns than it says, wherever that begins', () => {
    const perSecond = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0.05, max: 200, noNaN: true }));
    const pauses = fc.array(fc.nat(3), { minLength: 25, maxLength: 60 });
    const share = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(perSecond, pauses, fc.array(share, { minLength: 1, maxLength: 5 }), (rate, waits, greedy) => {
        const { points, seconds } = windowOf(rate);
        const most = mostInASecond(usesOf({ points, ms: seconds * 1000 }, waits, greedy));
        assert.ok(most <= Math.ceil(rate), `${most} of ${rate} with ${points} in ${seconds} s`);
      }),
      { numRuns: 2000 },
    );
  });

  it('comes near to what it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), (rate) => {
        const { points, seconds } = windowOf(rate);
        assert.ok(points / seconds >= rate * 0.8, `${points / seconds} of ${rate}`);
      }),
    );
  });

  it('has windows of whole milliseconds, as the database keeps them', () => {
    for (let rate = 1; rate <= 2000; rate++) assert.ok(Number.isInteger(windowOf(rate).seconds * 1000), `${rate}`);
  });
});

describe('the clock of a worker', () => {
  it('is held against that of the database once', async () => {
    let asked = 0;
    const clock = watchedClock(async () => {
      asked++;
      return Date.now() + 500;
    });
    await clock.require();
    await clock.require();
    assert.equal(asked, 1);
  });

  for (const [skew, told] of [
    [-3600_000, /^the clock of this machine is 3600\.\d s ahead of that of the database$/],
    [5000, /^the clock of this machine is (4\.9|5\.0) s behind that of the database$/],
  ] as const) {
    it(`stops it when it is wrong by ${skew} ms`, async () => {
      const clock = watchedClock(async () => Date.now() + skew);
      await assert.rejects(clock.require(), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'clock-wrong');
        assert.match(error.message, told);
        return true;
      });
    });
  }
});
