import { isUtf8 } from 'node:buffer';
import { Attribute, type BerReader, SearchEntry } from 'ldapts';
import { type Element, elementAt } from './message-shape.ts';

const BINARY = /^(mSMQ(Digests|SignCertificates)(Mig)?|objectSid|objectGUID)(;|$)|;binary$/i;

/**
 * An entry that leaves binary values as they are. ldapts tries to read every value as text, and every digest fails it,
 * which takes ten times as long as all the rest of its reading. Nothing else depends on this: what is asked for as bytes
 * comes as bytes either way.
 */
export class ByteEntry extends SearchEntry {
  /** The reader stands at the name of the entry, whose message has the shape that {@link shapeOf} demands. */
  override parseMessage(reader: BerReader): void {
    const { buffer, offset } = reader;
    const name = elementAt(buffer, offset, buffer.length);
    const list = elementAt(buffer, name.end, buffer.length);
    this.name = buffer.toString('utf8', name.start, name.end);
    for (let at = list.start; at < list.end; ) {
      const attribute = elementAt(buffer, at, list.end);
      this.attributes.push(attributeOf(buffer, attribute));
      at = attribute.end;
    }
    reader.offset = list.end;
  }
}

function attributeOf(bytes: Buffer, element: Element): Attribute {
  const type = elementAt(bytes, element.start, element.end);
  const values = elementAt(bytes, type.end, element.end);
  const attribute = new Attribute({ type: bytes.toString('utf8', type.start, type.end) });
  for (let at = values.start; at < values.end; ) {
    const { start, end } = elementAt(bytes, at, values.end);
    attribute.parsedBuffers.push(bytes.subarray(start, end));
    at = end;
  }
  const raw = attribute.parsedBuffers;
  // ldapts gives out all values as bytes when one of them is
  const isText = !BINARY.test(attribute.type) && raw.every((value) => isUtf8(value));
  attribute.values = isText ? raw.map((value) => value.toString()) : raw;
  return attribute;
}
