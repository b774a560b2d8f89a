import { Attribute } from 'ldapts';

/**
 * An attribute for a modify whose values go out byte for byte. ldapts turns every message it sends into JSON for its
 * debug log, even when that log is off; with a large value that costs more than the sending, so the values stay out of it.
 */
export function rawAttribute(type: string, values: readonly Uint8Array[]): Attribute {
  const buffers = values.map((value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  return Object.assign(new Attribute({ type, values: buffers }), { toJSON: () => ({ type, values: values.length }) });
}
