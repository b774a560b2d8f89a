import assert from 'node:assert/strict';
import { Attribute, Change, ModifyRequest } from 'ldapts';
import { rawAttribute } from '../../../../src/directory/active-directory/read/raw-attribute.ts';

describe('an attribute that stays out of the log of ldapts', () => {
  const values = [Buffer.alloc(100_000, 0xab), Buffer.from('plain text'), Buffer.from([0xef, 0xbb, 0xbf, 0x41])];
  const request = (modification: Attribute) =>
    new ModifyRequest({ messageId: 7, dn: 'CN=x', changes: [new Change({ operation: 'add', modification })] });

  it('goes out with the same bytes', () => {
    const plain = request(new Attribute({ type: 'mSMQDigests', values })).write();
    assert.ok(request(rawAttribute('mSMQDigests', values)).write().equals(plain));
  });

  it('goes out as the part of a larger buffer that it is', () => {
    const part = new Uint8Array(Buffer.from('before-VALUE-after')).subarray(7, 12);
    const written = request(rawAttribute('mSMQDigests', [part])).write();
    assert.ok(written.includes('VALUE') && !written.includes('before') && !written.includes('after'));
  });

  it('does not turn into JSON with its values', () => {
    assert.ok(JSON.stringify(request(rawAttribute('mSMQDigests', values))).length < 500);
  });
});
