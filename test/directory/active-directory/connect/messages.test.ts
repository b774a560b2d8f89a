import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BerWriter, MessageParser, SearchEntry } from 'ldapts';
import { gatherWholeMessages } from '../../../../src/directory/active-directory/connect/messages.ts';

const SEARCH_ENTRY = 0x64;
const SET = 0x31;

describe('gathering whole messages', () => {
  it('gives every message once, in order and complete, wherever the connection cuts them', () => {
    gatherWholeMessages();
    const values = fc.array(fc.uint8Array({ maxLength: 70_000, size: 'max' }), { minLength: 1, maxLength: 4 });
    const cuts = fc.array(fc.oneof(fc.nat(8), fc.nat(280_000)), { maxLength: 12 });
    fc.assert(
      fc.property(values, cuts, (written, places) => {
        const bytes = Buffer.concat(written.map((value, index) => entryMessage(index + 1, Buffer.from(value))));
        assert.deepEqual(
          valuesRead(chunksOf(bytes, places)),
          written.map((value) => Buffer.from(value).toString('hex')),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('leaves it to ldapts to refuse a length that can be none', () => {
    gatherWholeMessages();
    assert.throws(() => valuesRead([Buffer.from([0x30]), Buffer.from([0x80, 0x02])]), /Indefinite length/);
    assert.throws(() => valuesRead([Buffer.from([0x30, 0x85, 1, 1, 1, 1, 1])]), /too long/);
  });
});

function entryMessage(messageId: number, value: Buffer): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(messageId);
  writer.startSequence(SEARCH_ENTRY);
  writer.writeString('CN=alice');
  writer.startSequence();
  writer.startSequence();
  writer.writeString('mSMQSignCertificates;binary');
  writer.startSequence(SET);
  writer.writeBuffer(value, 0x04);
  for (let open = 0; open < 5; open++) writer.endSequence();
  return writer.buffer;
}

function chunksOf(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set([0, ...places.map((place) => place % bytes.length)])].sort((a, b) => a - b);
  return cuts.map((start, index) => bytes.subarray(start, cuts[index + 1]));
}

/** In hexadecimal. */
function valuesRead(chunks: readonly Buffer[]): string[] {
  const read: string[] = [];
  const parser = new MessageParser();
  parser.on('message', (message) => {
    assert.ok(message instanceof SearchEntry);
    read.push(message.attributes.flatMap(({ values }) => values.map((value) => value.toString('hex'))).join());
  });
  parser.on('error', (error) => {
    throw error;
  });
  for (const chunk of chunks) parser.read(chunk, new Map());
  return read;
}
