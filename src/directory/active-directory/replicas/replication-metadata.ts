import { guidText } from '../../names.ts';
import type { Stamp, Stamps } from '../../replicas.ts';

/** The attributes that hold the stamps: the first in text, from Windows only; the second in binary. */
export const STAMPS_AS_TEXT = 'msDS-ReplAttributeMetaData';
export const STAMPS_AS_BYTES = 'replPropertyMetaData';

/** Attribute identifiers, the last arcs of 1.2.840.113556.1.4.947 and .948 in the prefix table every forest begins with. */
const BLOB_ID = 0x000903b3;
const DIGESTS_ID = 0x000903b4;

const VECTOR_HEADER_BYTES = 16;
const RECORD_BYTES = 48;
/** Stamps count seconds since 1601, JavaScript milliseconds since 1970. */
const SECONDS_FROM_1601_TO_1970 = 11_644_473_600;

/**
 * Reads replPropertyMetaData: a header (uint32 version, reserved, uint32 count, reserved), then a record for each
 * attribute ever written.
 *
 * | offset | size | field                                    |
 * | ------ | ---- | ---------------------------------------- |
 * | 0      | 4    | attribute identifier                     |
 * | 4      | 4    | version                                  |
 * | 8      | 8    | time of the write, seconds since 1601    |
 * | 16     | 16   | invocation id of its domain controller   |
 * | 32     | 8    | update sequence number there             |
 * | 40     | 8    | update sequence number here              |
 *
 * All integers are little-endian. Null when the bytes are something else.
 */
export function stampsFromBytes(bytes: Buffer): Stamps | null {
  if (bytes.length < VECTOR_HEADER_BYTES || bytes.readUInt32LE(0) !== 1) return null;
  const count = bytes.readUInt32LE(8);
  if (bytes.length !== VECTOR_HEADER_BYTES + count * RECORD_BYTES) return null;
  const stamps: Stamps = { blob: null, digests: null };
  for (let at = VECTOR_HEADER_BYTES; at < bytes.length; at += RECORD_BYTES) {
    const attribute = bytes.readUInt32LE(at);
    if (attribute !== BLOB_ID && attribute !== DIGESTS_ID) continue;
    const stamp = stampAt(bytes, at);
    if (stamp === null) return null;
    stamps[attribute === BLOB_ID ? 'blob' : 'digests'] = stamp;
  }
  return stamps;
}

/** Null when its time is none. */
function stampAt(bytes: Buffer, at: number): Stamp | null {
  const seconds = Number(bytes.readBigUInt64LE(at + 8)) - SECONDS_FROM_1601_TO_1970;
  const changedAt = new Date(seconds * 1000);
  if (Number.isNaN(changedAt.getTime())) return null;
  return {
    version: bytes.readUInt32LE(at + 4),
    changedAt,
    origin: guidText(bytes.subarray(at + 16, at + 32)),
  };
}

/** Reads msDS-ReplAttributeMetaData: one XML fragment for each attribute ever written ([MS-ADTS] 3.1.1.4.5). */
export function stampsFromText(values: readonly string[]): Stamps {
  return { blob: stampNamed(values, 'mSMQSignCertificates'), digests: stampNamed(values, 'mSMQDigests') };
}

function stampNamed(values: readonly string[], attribute: string): Stamp | null {
  const value = values.find((each) => elementIn(each, 'pszAttributeName')?.toLowerCase() === attribute.toLowerCase());
  if (value === undefined) return null;
  const version = Number(elementIn(value, 'dwVersion'));
  const changedAt = new Date(elementIn(value, 'ftimeLastOriginatingChange') ?? '');
  const origin = elementIn(value, 'uuidLastOriginatingDsaInvocationID')?.toLowerCase();
  if (!Number.isInteger(version) || Number.isNaN(changedAt.getTime()) || origin === undefined) return null;
  return { version, changedAt, origin };
}

function elementIn(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1];
}
