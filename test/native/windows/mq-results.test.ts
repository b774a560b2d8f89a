import assert from 'node:assert/strict';
import { registrationOf } from '../../../src/native/windows/mq-results.ts';

describe('what MQRegisterCertificate answers', () => {
  it('is what it did', () => {
    assert.equal(registrationOf(0), 'registered');
    assert.equal(registrationOf(0x400e000a), 'exists');
  });

  const refusals: [number, RegExp][] = [
    [0xc00e0006, /parameters/],
    [0xc00e0011, /does not accept this user/],
    [0xc00e0013, /no directory/],
    [0xc00e0025, /may not write/],
    [0xc00e002c, /invalid/],
    [0xc00e002f, /no internal certificate/],
    [0xc00e006f, /store of this user/],
    [0xc00e0070, /store of this user/],
    [0xc00e1234, /MSMQ refuses/],
  ];
  for (const [status, message] of refusals) {
    const number = `0x${status.toString(16)}`;
    it(`is a sentence with ${number} in it and what to do, also as a signed number`, () => {
      for (const result of [status, status | 0]) {
        assert.throws(() => registrationOf(result), { code: 'msmq-refused', message, hint: /./ });
        assert.throws(() => registrationOf(result), { message: new RegExp(number) });
      }
    });
  }
});
