import { BadMessage, TooMuch } from './messages.ts';

/** What an LDAP message is, as far as it has to be known before it is read. */
export interface MessageShape {
  id: number;
  /** The tag of what it is, such as 0x64 for an entry (RFC 4511 §4.2 to §4.12). */
  operation: number;
  /** How many elements it is made of. */
  elements: number;
}

export interface Element {
  tag: number;
  /** The content is `bytes[start]` up to, not including, `bytes[end]`. */
  start: number;
  end: number;
}

export const SEARCH_ENTRY = 0x64;
export const SEARCH_REFERENCE = 0x73;
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OCTETS = 0x04;
const BOOLEAN = 0x01;
const CONTROLS = 0xa0;
const ENUMERATED = 0x0a;
const REFERRAL = 0xa3;
/** What may stand behind a result: the referral, the credentials of a bind, name and value of an extended response. */
const AFTER_RESULT: readonly number[] = [REFERRAL, 0x87, 0x8a, 0x8b];

const LONG_FORM = 0x80;
const MAX_LENGTH_BYTES = 4;
const MAX_ID_BYTES = 4;
/** An attribute has up to some thousand values. Each takes memory of its own once it is read, however small it is. */
const MOST_ELEMENTS = 100_000;

/**
 * Makes sure that a message has the shape of RFC 4511. What ldapts reads without this never ends for some shapes: it goes
 * on over a value that is longer than what holds it.
 * @throws BadMessage
 */
export function shapeOf(message: Buffer): MessageShape {
  const whole = oneElement(message, 0, message.length, SEQUENCE);
  const count = { elements: 0 };
  const [id, operation, ...more] = [...childrenOf(message, whole, count)];
  if (id === undefined || operation === undefined || more.length > 1) throw misshapen();
  checkOperation(message, operation, count);
  for (const controls of more) checkControls(message, controls, count);
  return { id: messageId(message, id), operation: operation.tag, elements: count.elements };
}

/** The elements that an element is made of. */
export function* childrenOf(bytes: Buffer, parent: Element, count?: Count): Generator<Element> {
  for (let at = parent.start; at < parent.end; ) {
    const child = elementAt(bytes, at, parent.end);
    if (count !== undefined) note(count);
    yield child;
    at = child.end;
  }
}

type Count = { elements: number };

function note(count: Count): void {
  if (++count.elements > MOST_ELEMENTS) throw new TooMuch(`a message of more than ${MOST_ELEMENTS} parts`);
}

/** The element at a place, which must not reach past `limit`. */
export function elementAt(bytes: Buffer, at: number, limit: number): Element {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit) throw misshapen();
  let start = at + 2;
  let length = first;
  if (first >= LONG_FORM) {
    const size = first - LONG_FORM;
    if (size === 0 || size > MAX_LENGTH_BYTES || start + size > limit) throw misshapen();
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  if (length > limit - start) throw misshapen();
  return { tag, start, end: start + length };
}

function oneElement(bytes: Buffer, at: number, limit: number, tag: number): Element {
  const element = elementAt(bytes, at, limit);
  if (element.tag !== tag || element.end !== limit) throw misshapen();
  return element;
}

function checkOperation(bytes: Buffer, operation: Element, count: Count): void {
  if (operation.tag === SEARCH_ENTRY) checkEntry(bytes, operation, count);
  else if (operation.tag === SEARCH_REFERENCE) all(bytes, operation, OCTETS, count);
  else checkResult(bytes, operation, count);
}

/** LDAPResult (RFC 4511 §4.1.9): every other answer is one. */
function checkResult(bytes: Buffer, operation: Element, count: Count): void {
  const [code, matched, diagnostic, ...more] = [...childrenOf(bytes, operation, count)];
  if (code?.tag !== ENUMERATED || matched?.tag !== OCTETS || diagnostic?.tag !== OCTETS) throw misshapen();
  for (const part of more) {
    if (!AFTER_RESULT.includes(part.tag)) throw misshapen();
    if (part.tag === REFERRAL) all(bytes, part, OCTETS, count);
  }
}

function checkEntry(bytes: Buffer, entry: Element, count: Count): void {
  const attributes = secondOfTwo(bytes, entry, SEQUENCE, count);
  for (let at = attributes.start; at < attributes.end; ) {
    const attribute = elementAt(bytes, at, attributes.end);
    if (attribute.tag !== SEQUENCE) throw misshapen();
    note(count);
    all(bytes, secondOfTwo(bytes, attribute, SET, count), OCTETS, count);
    at = attribute.end;
  }
}

/** The second of the two elements that an element is made of, the first of which is an OCTET STRING. */
function secondOfTwo(bytes: Buffer, parent: Element, tag: number, count: Count): Element {
  const first = elementAt(bytes, parent.start, parent.end);
  const second = elementAt(bytes, first.end, parent.end);
  if (first.tag !== OCTETS || second.tag !== tag || second.end !== parent.end) throw misshapen();
  note(count);
  note(count);
  return second;
}

/** `[0] SEQUENCE OF SEQUENCE { OCTET STRING, BOOLEAN, OCTET STRING }`, the last two optional (RFC 4511 §4.1.11). */
function checkControls(bytes: Buffer, controls: Element, count: Count): void {
  if (controls.tag !== CONTROLS) throw misshapen();
  for (const control of childrenOf(bytes, controls, count)) {
    const tags = [...childrenOf(bytes, control, count)].map(({ tag }) => tag);
    const [type, ...rest] = tags;
    const isValue = (tag: number, index: number) => tag === OCTETS && index === rest.length - 1;
    const isFlag = (tag: number, index: number) => tag === BOOLEAN && index === 0;
    const known = rest.length <= 2 && rest.every((tag, index) => isValue(tag, index) || isFlag(tag, index));
    if (control.tag !== SEQUENCE || type !== OCTETS || !known) throw misshapen();
  }
}

function all(bytes: Buffer, parent: Element, tag: number, count: Count): void {
  // thousands of values: a generator takes longer than all the rest
  for (let at = parent.start; at < parent.end; ) {
    const child = elementAt(bytes, at, parent.end);
    if (child.tag !== tag) throw misshapen();
    note(count);
    at = child.end;
  }
}

function messageId(bytes: Buffer, { tag, start, end }: Element): number {
  if (tag !== INTEGER || start === end || end - start > MAX_ID_BYTES) throw misshapen();
  return bytes.readIntBE(start, end - start);
}

function misshapen(): BadMessage {
  return new BadMessage('a message that is not put together as LDAP wants it');
}
