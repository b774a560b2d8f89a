import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  BadMessage,
  MOST_AFTER_BIND,
  MOST_BEFORE_BIND,
  messageGatherer,
  TooMuch,
} from '../../../../src/directory/active-directory/connect/messages.ts';
import { entry } from '../stand-in.ts';

describe('gathering whole messages', () => {
  it('gives every message once, in order and complete, wherever the connection cuts them', () => {
    const values = fc.array(fc.uint8Array({ maxLength: 70_000, size: 'max' }), { minLength: 1, maxLength: 4 });
    const cuts = fc.array(fc.oneof(fc.nat(8), fc.nat(280_000)), { maxLength: 12 });
    fc.assert(
      fc.property(values, cuts, (written, places) => {
        const messages = written.map((value, index) => entry(index + 1, 'CN=alice', { x: [Buffer.from(value)] }));
        const gather = messageGatherer(() => MOST_AFTER_BIND);
        const gathered = chunksOf(Buffer.concat(messages), places).flatMap((chunk) => [...gather(chunk)]);
        assert.deepEqual(
          gathered.map((message) => message.toString('hex')),
          messages.map((message) => message.toString('hex')),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what announces too much as soon as its length is there', () => {
    const gather = messageGatherer(() => MOST_BEFORE_BIND);
    assert.throws(() => [...gather(Buffer.from('30847fffffff', 'hex'))], {
      constructor: TooMuch,
      message: 'a message of 2147483653 bytes',
    });
  });

  it('takes what is exactly as long as is allowed', () => {
    const message = Buffer.alloc(MOST_BEFORE_BIND);
    message.writeUInt16BE(0x3083, 0);
    message.writeUIntBE(message.length - 5, 2, 3);
    const halves = [message.subarray(0, 30_000), message.subarray(30_000)];
    const gather = messageGatherer(() => message.length);
    assert.deepEqual(
      halves.flatMap((half) => [...gather(half)]),
      [message],
    );
    assert.throws(() => [...messageGatherer(() => message.length - 1)(message)], TooMuch);
  });

  it('refuses a length that can be none, and what does not begin as a message', () => {
    for (const hex of ['308002', '30850101010101', '48545450']) {
      assert.throws(() => [...messageGatherer(() => MOST_AFTER_BIND)(Buffer.from(hex, 'hex'))], BadMessage);
    }
  });
});

function chunksOf(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set([0, ...places.map((place) => place % bytes.length)])].sort((a, b) => a - b);
  return cuts.map((start, index) => bytes.subarray(start, cuts[index + 1]));
}
