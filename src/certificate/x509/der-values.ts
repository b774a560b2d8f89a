import { byteAt, type DerElement, DerError } from './der.ts';

const UTF8_STRING = 0x0c;
const NUMERIC_STRING = 0x12;
const PRINTABLE_STRING = 0x13;
const T61_STRING = 0x14;
const IA5_STRING = 0x16;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const VISIBLE_STRING = 0x1a;
const UNIVERSAL_STRING = 0x1c;
const BMP_STRING = 0x1e;

/** No object identifier in use comes near; without a limit a hostile one would cost quadratic time. */
const MAX_IDENTIFIER_BYTES = 64;
const RECENT_IDENTIFIERS = 4;

/** 400 years in the Gregorian calendar: shifts the years 0 to 99 past the ones that Date.UTC takes for 1900 to 1999. */
const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * 86_400_000;

/** An object identifier's content as a key for tables: each byte as one character. */
export function identifierKey(identifier: DerElement): string {
  demandIdentifier(identifier);
  const { bytes, start, end } = identifier;
  return bytes.toString('latin1', start, end);
}

/** An OBJECT IDENTIFIER has content, and its last byte ends an arc (X.690 §8.19). */
export function demandIdentifier({ bytes, start, end }: DerElement): void {
  if (start === end || end - start > MAX_IDENTIFIER_BYTES || byteAt(bytes, end - 1) >= 0x80) {
    throw new DerError(`object identifier at byte ${start} is not valid`);
  }
}

/**
 * Looks up object identifiers; one that has no name comes out dotted. Certificates of one kind have the same few, so
 * those that were seen last are compared byte for byte before a key is made.
 */
export function identifierNames(names: ReadonlyMap<string, string>): (identifier: DerElement) => string {
  const byKey = new Map([...names].map(([dotted, name]) => [keyFromDotted(dotted), name]));
  const recent: { key: string; name: string }[] = [];
  let oldest = 0;
  return (identifier) => {
    for (const { key, name } of recent) if (isKey(identifier, key)) return name;
    const key = identifierKey(identifier);
    const name = byKey.get(key) ?? dottedFromKey(key);
    recent[oldest] = { key, name };
    oldest = (oldest + 1) % RECENT_IDENTIFIERS;
    return name;
  };
}

/** A key has the content of an identifier, each byte as one character. */
function isKey({ bytes, start, end }: DerElement, key: string): boolean {
  if (key.length !== end - start) return false;
  for (let index = key.length - 1; index >= 0; index--) {
    if (key.charCodeAt(index) !== byteAt(bytes, start + index)) return false;
  }
  return true;
}

function keyFromDotted(dotted: string): string {
  const [top = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return [top * 40 + second, ...rest].map(base128).join('');
}

function base128(arc: number): string {
  let text = String.fromCharCode(arc % 128);
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
    text = String.fromCharCode(0x80 + (left % 128)) + text;
  }
  return text;
}

/** The dotted form of a key made by {@link identifierKey}. */
export function dottedFromKey(key: string): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const character of key) {
    const byte = character.charCodeAt(0);
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [joined = 0n, ...rest] = arcs;
  const top = joined < 80n ? joined / 40n : 2n;
  return [top, joined - top * 40n, ...rest].join('.');
}

/** An INTEGER's value as `openssl x509 -serial` prints it: capital hexadecimal, two digits a byte, `-` when negative. */
export function integerHex(element: DerElement): string {
  const { bytes, start, end } = element;
  demandInteger(element);
  if (byteAt(bytes, start) < 0x80) {
    const first = end - start > 1 && byteAt(bytes, start) === 0 ? start + 1 : start;
    return bytes.toString('hex', first, end).toUpperCase();
  }
  const magnitude = (1n << BigInt(8 * (end - start))) - BigInt(`0x${bytes.toString('hex', start, end)}`);
  const digits = magnitude.toString(16).toUpperCase();
  return `-${digits.length % 2 === 0 ? '' : '0'}${digits}`;
}

/** The number of bits of a positive INTEGER. */
export function positiveIntegerBits(element: DerElement): number {
  demandInteger(element);
  const { bytes, start, end } = element;
  const lead = byteAt(bytes, start);
  if (lead >= 0x80 || (lead === 0 && end - start === 1)) throw new DerError(`integer at byte ${start} is not positive`);
  const first = lead === 0 ? start + 1 : start;
  return (end - first) * 8 - (Math.clz32(byteAt(bytes, first)) - 24);
}

/** An INTEGER has content, in its shortest form (X.690 §8.3.2). */
function demandInteger({ bytes, start, end }: DerElement): void {
  if (start === end) throw new DerError(`integer at byte ${start} is empty`);
  if (end - start === 1) return;
  const lead = (byteAt(bytes, start) << 1) | (byteAt(bytes, start + 1) >> 7);
  if (lead === 0 || lead === 0x1ff) throw new DerError(`integer at byte ${start} is not in its shortest form`);
}

/**
 * A UTCTime or GeneralizedTime in the only forms of RFC 5280 §4.1.2.5: to the second, with Z.
 * @throws DerError
 */
export function dateOf({ bytes, tag, offset, start, end }: DerElement): Date {
  if (tag !== UTC_TIME && tag !== GENERALIZED_TIME) throw new DerError(`no time at byte ${offset}`);
  const yearDigits = tag === UTC_TIME ? 2 : 4;
  const digits = yearDigits + 10;
  if (end - start !== digits + 1 || byteAt(bytes, end - 1) !== 0x5a) throw invalidTime(start);

  const rest = start + yearDigits;
  const written = yearDigits === 2 ? pair(bytes, start) : pair(bytes, start) * 100 + pair(bytes, start + 2);
  const year = yearDigits === 2 ? written + (written < 50 ? 2000 : 1900) : written;
  const month = pair(bytes, rest);
  const day = pair(bytes, rest + 2);
  const hour = pair(bytes, rest + 4);
  const minute = pair(bytes, rest + 6);
  const second = pair(bytes, rest + 8);
  const isPossible = month >= 1 && month <= 12 && day >= 1 && hour < 24 && minute < 60 && second < 60;
  if (!isPossible || day > daysIn(year, month)) throw invalidTime(start);
  return new Date(Date.UTC(year + CYCLE_YEARS, month - 1, day, hour, minute, second) - CYCLE_MS);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function pair(bytes: Buffer, index: number): number {
  const tens = byteAt(bytes, index) - 0x30;
  const ones = byteAt(bytes, index + 1) - 0x30;
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw invalidTime(index);
  return tens * 10 + ones;
}

function invalidTime(start: number): DerError {
  return new DerError(`time at byte ${start} is not valid`);
}

/**
 * The text of a string type. What cannot be decoded becomes U+FFFD: a receiver compares bytes, so such a certificate is
 * no less valid. A value of any other type is `#` and its DER in hexadecimal (RFC 4514 §2.4).
 */
export function textOf({ bytes, tag, offset, start, end }: DerElement): string {
  switch (tag) {
    case UTF8_STRING:
    case NUMERIC_STRING:
    case PRINTABLE_STRING:
    case IA5_STRING:
    case VISIBLE_STRING:
      return bytes.toString('utf8', start, end);
    case T61_STRING:
      return bytes.toString('latin1', start, end);
    case BMP_STRING:
      return utf16(bytes, start, end);
    case UNIVERSAL_STRING:
      return utf32(bytes, start, end);
    default:
      return `#${bytes.toString('hex', offset, end)}`;
  }
}

function utf16(bytes: Buffer, start: number, end: number): string {
  if ((end - start) % 2 !== 0) throw new DerError(`string at byte ${start} has half a character`);
  return Buffer.from(bytes.subarray(start, end)).swap16().toString('utf16le').toWellFormed();
}

function utf32(bytes: Buffer, start: number, end: number): string {
  if ((end - start) % 4 !== 0) throw new DerError(`string at byte ${start} has part of a character`);
  let text = '';
  for (let index = start; index < end; index += 4) {
    const point = bytes.readUInt32BE(index);
    text += point > 0x10ffff ? '\u{fffd}' : String.fromCodePoint(point);
  }
  return text.toWellFormed();
}
