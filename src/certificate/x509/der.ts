/** Why bytes are not strict DER. Never leaves this room: callers turn it into a result. */
export class DerError extends Error {}

/** One element that was read; its content is `bytes[start]` up to, not including, `bytes[end]`. */
export interface DerElement {
  readonly bytes: Buffer;
  readonly tag: number;
  /** Where its tag is. */
  readonly offset: number;
  readonly start: number;
  readonly end: number;
}

/** A place in a run of elements. Nothing outside it is ever read. */
export interface DerReader {
  readonly bytes: Buffer;
  offset: number;
  readonly end: number;
}

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;

const LONG_FORM = 0x80;
const HIGH_TAG = 0x1f;
const MAX_LENGTH_BYTES = 4;

export function reader(der: Uint8Array): DerReader {
  const bytes = Buffer.isBuffer(der) ? der : Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  return { bytes, offset: 0, end: bytes.length };
}

export function inside({ bytes, start, end }: DerElement): DerReader {
  return { bytes, offset: start, end };
}

export function atEnd({ offset, end }: DerReader): boolean {
  return offset === end;
}

/** The tag of the next element, or -1 at the end. */
export function nextTag({ bytes, offset, end }: DerReader): number {
  return offset < end ? byteAt(bytes, offset) : -1;
}

/**
 * Reads one element of any type: definite length in its shortest form, low tag number (X.690 §10.1).
 * @throws DerError
 */
export function next(from: DerReader): DerElement {
  return readInto({ bytes: from.bytes, tag: 0, offset: 0, start: 0, end: 0 }, from);
}

type ElementToFill = { -readonly [Field in keyof DerElement]: DerElement[Field] };

function readInto(element: ElementToFill, from: DerReader): DerElement {
  const { bytes, offset, end } = from;
  if (end - offset < 2) throw new DerError(`element cut short at byte ${offset}`);
  const tag = byteAt(bytes, offset);
  if ((tag & HIGH_TAG) === HIGH_TAG) throw new DerError(`unusual tag at byte ${offset}`);
  const first = byteAt(bytes, offset + 1);
  let start = offset + 2;
  let length = first;
  if (first >= LONG_FORM) {
    const count = first - LONG_FORM;
    length = longLength(bytes, start, count, end);
    start += count;
  }
  if (length > end - start) throw new DerError(`length at byte ${offset + 1} goes past the end`);
  from.offset = start + length;
  element.tag = tag;
  element.offset = offset;
  element.start = start;
  element.end = start + length;
  return element;
}

function longLength(bytes: Buffer, start: number, count: number, end: number): number {
  if (count === 0 || count > MAX_LENGTH_BYTES || count > end - start) {
    throw new DerError(`length at byte ${start - 1} is not valid`);
  }
  let length = 0;
  for (let index = start; index < start + count; index++) length = length * 256 + byteAt(bytes, index);
  const isShortest = length >= LONG_FORM && byteAt(bytes, start) !== 0;
  if (!isShortest) throw new DerError(`length at byte ${start - 1} is not in its shortest form`);
  return length;
}

/**
 * Reads one element of the given type.
 * @throws DerError
 */
export function expect(from: DerReader, tag: number, what: string): DerElement {
  const element = next(from);
  if (element.tag !== tag) throw new DerError(`no ${what} at byte ${element.offset}`);
  return element;
}

/**
 * Demands that nothing is left.
 * @throws DerError
 */
export function finish({ offset, end }: DerReader, what: string): void {
  if (offset !== end) throw new DerError(`${end - offset} bytes too many after the ${what} at byte ${offset}`);
}

/**
 * A reader that goes into elements and out of them again. It has one object for all elements that it reads: one for each
 * is most of what a walk over a certificate takes.
 */
export interface DerWalk extends DerReader {
  end: number;
  /** The last one that was read, until the next is. */
  readonly element: ElementToFill;
}

export function walkOver(der: Uint8Array): DerWalk {
  const { bytes, offset, end } = reader(der);
  return { bytes, offset, end, element: { bytes, tag: 0, offset: 0, start: 0, end: 0 } };
}

/**
 * Reads one element of any type, as {@link next} does.
 * @throws DerError
 */
export function step(walk: DerWalk): DerElement {
  return readInto(walk.element, walk);
}

/**
 * Reads one element of the given type, as {@link expect} does.
 * @throws DerError
 */
export function stepOver(walk: DerWalk, tag: number, what: string): DerElement {
  const element = readInto(walk.element, walk);
  if (element.tag !== tag) throw new DerError(`no ${what} at byte ${element.offset}`);
  return element;
}

/** Goes into the last element, past its first bytes where it says so; returns what {@link leave} takes. */
export function enter(walk: DerWalk, skipped = 0): number {
  const outerEnd = walk.end;
  walk.offset = walk.element.start + skipped;
  walk.end = walk.element.end;
  return outerEnd;
}

/** Goes on after the element that was entered. */
export function leave(walk: DerWalk, outerEnd: number): void {
  walk.offset = walk.end;
  walk.end = outerEnd;
}

export function byteAt(bytes: Buffer, index: number): number {
  return bytes[index] ?? 0;
}
