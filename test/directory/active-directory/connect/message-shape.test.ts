import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BerReader, MessageParser } from 'ldapts';
import { shapeOf } from '../../../../src/directory/active-directory/connect/message-shape.ts';
import { BadMessage } from '../../../../src/directory/active-directory/connect/messages.ts';
import { ByteEntry } from '../../../../src/directory/active-directory/connect/search-entry.ts';
import { entry, pageEnd, result } from '../stand-in.ts';

const alice = entry(7, 'CN=alice', { mSMQDigests: [Buffer.alloc(16, 1), Buffer.alloc(16, 2)], cn: [Buffer.from('ä')] });

describe('the shape of a message', () => {
  it('is known for what servers send', () => {
    const { id, operation, elements } = shapeOf(alice);
    assert.deepEqual({ id, operation }, { id: 7, operation: 0x64 });
    assert.equal(elements, 13);
    assert.equal(shapeOf(pageEnd(2, 'next')).operation, 0x65);
    assert.equal(shapeOf(result(3, 0x61, 49, 'no')).operation, 0x61);
  });

  const name = tlv(0x04, 'CN=alice');
  const resultParts = Buffer.concat([tlv(0x0a, '\0'), tlv(0x04), tlv(0x04)]);
  const cutShort = tlv(0x04, Buffer.from('0484', 'hex'));
  const endless: [what: string, message: Buffer][] = [
    ['attributes in a string', message(0x64, name, tlv(0x04, tlv(0x30, tlv(0x04, 'x'), tlv(0x31, tooLong()))))],
    [
      'a value that is longer than what holds it',
      message(0x64, name, tlv(0x30, tlv(0x30, tlv(0x04), tlv(0x31, tooLong())))),
    ],
    [
      'a control that ends in half a length',
      withControls(message(0x65, resultParts), tlv(0x30, tlv(0x04), tlv(0x01, '\0'), tlv(0x04), cutShort)),
    ],
    ['controls inside a result', message(0x65, resultParts, tlv(0xa0, cutShort))],
  ];
  for (const [what, hostile] of endless) {
    it(`is refused for ${what}, which ldapts would read for ever`, () => {
      assert.throws(() => shapeOf(hostile), BadMessage);
    });
  }

  it('is refused, or what is read of it comes to an end, for anything', () => {
    const messages = [alice, pageEnd(2, 'next'), result(3, 0x61, 49, 'no'), result(4, 0x78, 0)];
    const mutation = fc.record({ at: fc.nat(300), by: fc.nat(255) });
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.array(mutation, { maxLength: 6 }), (message, mutations) => {
        const mutated = Buffer.from(message);
        for (const { at, by } of mutations) mutated[at % mutated.length] = by;
        try {
          shapeOf(mutated);
        } catch (error) {
          assert.ok(error instanceof BadMessage);
          return;
        }
        const parser = new MessageParser();
        parser.on('error', () => {});
        parser.read(mutated, new Map());
      }),
      { numRuns: 20_000 },
    );
  });

  it('is refused when a message has more parts than anybody needs', () => {
    const many = entry(7, 'CN=alice', { x: Array.from({ length: 100_001 }, () => Buffer.alloc(0)) });
    assert.throws(() => shapeOf(many), /more than 100000 parts/);
  });
});

describe('an entry', () => {
  const values = (message: Buffer) => {
    const read = new ByteEntry({ messageId: 7 });
    const reader = new BerReader(message);
    reader.readSequence();
    reader.readInt();
    reader.readSequence();
    read.parse(reader, []);
    return read.toObject([], []);
  };

  it('gives digests and blobs as bytes even where they are text, and text as text', () => {
    const text = Buffer.from('sixteen letters!');
    const read = values(
      entry(7, 'CN=alice', {
        'mSMQDigests;range=0-1499': [text, text],
        mSMQSignCertificates: [text],
        cn: [Buffer.from('ä')],
        member: [Buffer.from('a'), Buffer.from('b')],
        photo: [Buffer.from('a'), Buffer.of(0xff)],
        empty: [],
      }),
    );
    assert.deepEqual(read, {
      dn: 'CN=alice',
      'mSMQDigests;range=0-1499': [text, text],
      mSMQSignCertificates: text,
      cn: 'ä',
      member: ['a', 'b'],
      photo: [Buffer.from('a'), Buffer.of(0xff)],
      empty: [],
    });
  });
});

function tlv(tag: number, ...content: (Buffer | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.of(tag, bytes.length), bytes]);
}

function message(operation: number, ...content: Buffer[]): Buffer {
  return tlv(0x30, tlv(0x02, Buffer.of(7)), tlv(operation, ...content));
}

function withControls(plain: Buffer, ...controls: Buffer[]): Buffer {
  return tlv(0x30, plain.subarray(2), tlv(0xa0, ...controls));
}

/** The header of a value that goes on behind the end of the message. */
function tooLong(): Buffer {
  return Buffer.from('04847fffffff', 'hex');
}
