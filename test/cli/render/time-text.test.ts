import assert from 'node:assert/strict';
import fc from 'fast-check';
import { timeText } from '../../../src/cli/render/time-text.ts';

describe('a time in a document', () => {
  it('is what toISOString says', () => {
    const times = fc.oneof(
      fc.date({ noInvalidDate: true }),
      fc.date({ min: new Date(-1e11), max: new Date(4e12), noInvalidDate: true }),
    );
    const inSeconds = times.map((time) => new Date(Math.floor(time.getTime() / 1000) * 1000));
    fc.assert(fc.property(fc.oneof(times, inSeconds), (time) => assert.equal(timeText(time), time.toISOString())));
  });
});
