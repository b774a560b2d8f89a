import { Attribute } from 'ldapts';

/**
 * An attribute for a modify whose values go out byte for byte. ldapts turns every message it sends into JSON for its
 * debug log, even when that log is off; with a large value that costs more than the sending, so the values stay out of it.
 */
export function rawAttribute(type: string, values: readonly Uint8Array[]): Attribute {
  const buffers = values.map((value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  return Object.assign(new Attribute({ type, values: buffers }), { toJSON: () => ({ type, values: values.length }) });
}

const BINARY = /^(mSMQ(Digests|SignCertificates)(Mig)?|objectSid|objectGUID)(;|$)/i;
const MARKED_BINARY = /;binary$/i;

/**
 * Saves ldapts the attempt to read binary values as text. Every digest fails it, which takes ten times as long as all
 * the rest of its reading. Nothing else depends on this: what is asked for as bytes comes as bytes either way.
 */
export function skipTextOfBinaryAttributes(): void {
  Object.defineProperty(Attribute.prototype, '_isBinaryType', {
    configurable: true,
    value(this: Attribute): boolean {
      return BINARY.test(this.type) || MARKED_BINARY.test(this.type);
    },
  });
}
