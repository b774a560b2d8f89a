import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BerWriter } from 'ldapts';
import { decodeBindResponse, encodeSaslBind } from '../../../../src/directory/active-directory/connect/sasl.ts';

/** A BindResponse as a server writes it. */
function bindResponse(code: number, diagnostic: string, credentials: Buffer | null): Buffer {
  const writer = new BerWriter({ size: 1024 + (credentials?.length ?? 0) });
  writer.startSequence();
  writer.writeInt(1);
  writer.startSequence(0x61);
  writer.writeEnumeration(code);
  writer.writeString('');
  writer.writeString(diagnostic);
  if (credentials !== null) writer.writeBuffer(credentials, 0x87);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

const bytes = fc.uint8Array({ maxLength: 70_000 }).map((array) => Buffer.from(array));

describe('a SASL bind', () => {
  it('is written as RFC 4511 has it', () => {
    assert.equal(
      encodeSaslBind(2, 'GSSAPI', Buffer.from([0xff, 0x00])).toString('hex'),
      // SEQUENCE { 2, [APPLICATION 0] { 3, "", [3] { "GSSAPI", ff00 } } }
      '3018020102' + '6013020103' + '0400' + 'a30c' + '0406475353415049' + '0402ff00',
    );
  });

  it('carries a ticket of any size', () => {
    fc.assert(
      fc.property(bytes, (ticket) => {
        assert.ok(
          encodeSaslBind(1, 'GSSAPI', ticket)
            .subarray(-ticket.length || Infinity)
            .equals(ticket),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('gets back every byte of the credentials of the server, in one piece or many', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (credentials, cut) => {
        const message = bindResponse(14, '', credentials);
        assert.deepEqual(decodeBindResponse(message), { code: 14, diagnostic: '', credentials });
        assert.equal(decodeBindResponse(message.subarray(0, cut % message.length)), null);
      }),
      { numRuns: 20 },
    );
  });

  it('gets the reason of a refusal, and no credentials where none were sent', () => {
    assert.deepEqual(decodeBindResponse(bindResponse(49, '80090346: LdapErr', null)), {
      code: 49,
      diagnostic: '80090346: LdapErr',
      credentials: Buffer.alloc(0),
    });
  });

  it('does not take another message for an answer', () => {
    const other = bindResponse(0, '', null);
    other[other.indexOf(0x61)] = 0x65;
    assert.throws(() => decodeBindResponse(other), /something else/);
  });
});
