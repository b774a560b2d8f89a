import { MsmqCertError } from '../errors.ts';
import { harmless } from '../visible.ts';
import { attributeTypes } from './names.ts';

/** A piece of an attribute's value: fixed text, or the place where the account or the machine goes. */
export type TemplatePart = { kind: 'text'; text: string } | { kind: 'account' } | { kind: 'machine' };

export interface TemplateAttribute {
  type: string;
  parts: TemplatePart[];
}

interface Scanner {
  readonly text: string;
  position: number;
}

const typeName = /\s*([A-Za-z]+)\s*=\s*/y;
const escapedBytes = /(?:\\[0-9A-Fa-f]{2})+/y;
const escapedCharacter = /\\([ "#+,;<=>\\])/y;
const placeholder = /\{(account|machine)\}/y;
const plainText = /[^\\"+,;<>{}\0]+/y;

/**
 * Reads an RFC 4514 string whose values may hold {account} and {machine}. Blanks around a name are let through.
 * The relative distinguished names come in encoding order, that is, the last one of the text first.
 * @throws MsmqCertError invalid-subject
 */
export function scanTemplate(text: string): TemplateAttribute[][] {
  if (!text.isWellFormed()) throw invalidTemplate(text, 'is not well-formed Unicode');
  const scanner: Scanner = { text, position: 0 };
  const names = [[scanAttribute(scanner)]];
  while (scanner.position < text.length) {
    const separator = text[scanner.position];
    if (separator !== ',' && separator !== '+') throw unexpected(scanner);
    scanner.position++;
    const attribute = scanAttribute(scanner);
    if (separator === '+') names.at(-1)?.push(attribute);
    else names.push([attribute]);
  }
  return names.reverse();
}

function scanAttribute(scanner: Scanner): TemplateAttribute {
  const start = scanner.position;
  const written = take(scanner, typeName)?.[1];
  if (written === undefined) {
    throw invalidTemplate(scanner.text, `does not have an attribute such as CN=… at position ${start + 1}`);
  }
  const type = [...attributeTypes.keys()].find((known) => known.toLowerCase() === written.toLowerCase());
  if (type === undefined) throw invalidTemplate(scanner.text, `has the attribute type ${written}`);
  return { type, parts: scanValue(scanner) };
}

function scanValue(scanner: Scanner): TemplatePart[] {
  if (scanner.text[scanner.position] === '#') throw unexpected(scanner);
  const parts: TemplatePart[] = [];
  for (;;) {
    const part = scanPart(scanner);
    if (part === null) return joinText(parts);
    parts.push(part);
  }
}

function scanPart(scanner: Scanner): TemplatePart | null {
  const name = take(scanner, placeholder)?.[1];
  if (name === 'account' || name === 'machine') return { kind: name };

  const bytes = take(scanner, escapedBytes)?.[0];
  if (bytes !== undefined) return { kind: 'text', text: decodeBytes(bytes, scanner.text) };
  const character = take(scanner, escapedCharacter)?.[1];
  if (character !== undefined) return { kind: 'text', text: character };

  const plain = take(scanner, plainText)?.[0];
  if (plain === undefined) return null;
  return { kind: 'text', text: endsValue(scanner) ? plain.trimEnd() : plain };
}

/** After a value, blanks are not part of it unless they are escaped. */
function endsValue({ text, position }: Scanner): boolean {
  return position === text.length || text[position] === ',' || text[position] === '+';
}

function joinText(parts: readonly TemplatePart[]): TemplatePart[] {
  const joined: TemplatePart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') last.text += part.text;
    else if (part.kind !== 'text' || part.text !== '') joined.push({ ...part });
  }
  return joined;
}

function decodeBytes(escapes: string, template: string): string {
  const bytes = Buffer.from(escapes.replaceAll('\\', ''), 'hex');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidTemplate(template, `has the escapes ${escapes}, which are not UTF-8`);
  }
}

function take(scanner: Scanner, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = scanner.position;
  const match = pattern.exec(scanner.text);
  if (match !== null) scanner.position = pattern.lastIndex;
  return match;
}

function unexpected({ text, position }: Scanner): MsmqCertError {
  const character = harmless(String.fromCodePoint(text.codePointAt(position) ?? 0));
  return invalidTemplate(text, `has an unescaped ${character} at position ${position + 1}`);
}

export function invalidTemplate(template: string, problem: string): MsmqCertError {
  return new MsmqCertError('invalid-subject', `the subject template "${harmless(template)}" ${problem}`, {
    hint: `write an RFC 4514 name of the types ${[...attributeTypes.keys()].join(', ')} with {account} and {machine} once each, such as CN={machine},OU={account}`,
  });
}
