import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../../blob/digest.ts';
import type { MsmqCertError } from '../../errors.ts';
import { type Block, blocks, type Chunks, invalidLdif, type LogicalLine, logicalLines, unfold } from './lines.ts';

/** One entry of an LDIF file. */
export interface LdifRecord {
  dn: string;
  /** Values by attribute name in small letters, options included: `msmqdigests;range=0-1499`. */
  attributes: Map<string, Buffer[]>;
  /** From the first byte of the dn line to the byte after the last line of the record. */
  range: { start: number; end: number };
  /** Line number of the dn line, the first line of the file is 1. */
  line: number;
}

export interface ReadOptions {
  /** What error messages call the input. */
  source?: string;
  /** Base names in small letters; values of other attributes are skipped without being looked at. */
  only?: ReadonlySet<string>;
}

type Settings = { source: string; only: ReadonlySet<string> | undefined };

const NAME = /^[a-z\d][a-z\d.-]*(?:;[a-z\d=*-]+)*$/i;
const BOM = Buffer.of(0xef, 0xbb, 0xbf);

/** What ldapsearch prints besides entries: the result of the search, controls and references to other servers. */
const SEARCH_LINES = new Set(['search', 'result', 'control', 'pagedresults', 'ref', 'matcheddn', 'text']);

/**
 * Reads content records (RFC 2849), also as ldapsearch prints them and ldifde exports them. Streams: no more than one
 * record is in memory.
 * @throws MsmqCertError invalid-ldif with the line number
 */
export async function* readRecords(chunks: Chunks, options: ReadOptions = {}): AsyncGenerator<LdifRecord> {
  for await (const block of blocks(chunks, options.source ?? 'LDIF')) {
    const record = parseRecord(block, options);
    if (record !== null) yield record;
  }
}

/** Reads one block; null when it holds no entry but comments, a version or the result of a search. */
export function parseRecord(raw: Block, options: ReadOptions = {}): LdifRecord | null {
  const settings = { source: options.source ?? 'LDIF', only: options.only };
  const block = withoutBom(raw);
  const lines = withoutVersion(block, logicalLines(block), settings);
  const [first, ...rest] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return null;
  if (nameOf(block, first, settings) !== 'dn') return skipSearchLines(block, lines, settings);
  return {
    dn: readDn(block, first, settings),
    attributes: readAttributes(block, rest, settings),
    range: { start: block.start + first.start, end: block.start + last.end },
    line: first.line,
  };
}

function withoutBom(block: Block): Block {
  if (block.start !== 0 || !block.bytes.subarray(0, 3).equals(BOM)) return block;
  return { ...block, bytes: block.bytes.subarray(3), start: 3 };
}

function withoutVersion(block: Block, lines: LogicalLine[], settings: Settings): LogicalLine[] {
  const [first, ...rest] = lines;
  if (first === undefined || nameOf(block, first, settings) !== 'version') return lines;
  if (readValue(block, first, settings).toString() === '1') return rest;
  throw invalidLdif(
    settings.source,
    first.line,
    'the only known version is 1',
    'export the file again as LDIF version 1',
  );
}

function skipSearchLines(block: Block, lines: LogicalLine[], settings: Settings): null {
  for (const line of lines) {
    const name = nameOf(block, line, settings);
    if (!SEARCH_LINES.has(name)) {
      throw invalidLdif(
        settings.source,
        line.line,
        `"${name}" without a dn above it`,
        'begin every record with its dn line',
      );
    }
    if (name === 'result') checkComplete(readValue(block, line, settings).toString(), line, settings);
  }
  return null;
}

function checkComplete(result: string, { line }: LogicalLine, { source }: Settings): void {
  if (/^0\b/.test(result)) return;
  const problem = `the search that wrote this file ended with "${result}"`;
  throw invalidLdif(
    source,
    line,
    problem,
    'search again until it ends with "0 Success", for a large directory in pages',
  );
}

function readDn(block: Block, line: LogicalLine, settings: Settings): string {
  const dn = readValue(block, line, settings);
  if (dn.length > 0 && isUtf8(dn)) return dn.toString();
  throw invalidLdif(settings.source, line.line, 'the dn is empty or not UTF-8', 'export the file again');
}

function readAttributes(block: Block, lines: LogicalLine[], settings: Settings): Map<string, Buffer[]> {
  const attributes = new Map<string, Buffer[]>();
  for (const line of lines) {
    const name = nameOf(block, line, settings);
    if (name === 'dn') throw secondDn(line, settings);
    if (name === 'changetype') {
      checkChangeType(readValue(block, line, settings).toString(), line, settings);
    } else if (settings.only === undefined || settings.only.has(baseName(name))) {
      const values = attributes.get(name) ?? [];
      values.push(readValue(block, line, settings));
      attributes.set(name, values);
    }
  }
  return attributes;
}

function secondDn({ line }: LogicalLine, { source }: Settings): MsmqCertError {
  return invalidLdif(source, line, 'a second dn in one record', 'put a blank line between two records');
}

function checkChangeType(type: string, { line }: LogicalLine, { source }: Settings): void {
  if (type.trim().toLowerCase() === 'add') return;
  const hint = 'name an export of entries here, and apply a file of changes with ldapmodify or ldifde -i';
  throw invalidLdif(source, line, `a change record of type "${type.trim()}", not an entry`, hint);
}

/** The attribute name without its options, in small letters. */
export function baseName(name: string): string {
  const [base = ''] = name.split(';', 1);
  return base.toLowerCase();
}

/**
 * The attribute name of a line in small letters, options included.
 * @throws MsmqCertError invalid-ldif when the line is no attribute line
 */
export function nameOf(block: Block, line: LogicalLine, { source = 'LDIF' }: ReadOptions = {}): string {
  const colon = block.bytes.indexOf(':', line.start);
  const name = block.bytes.toString('latin1', line.start, colon === -1 ? line.start : Math.min(colon, line.end));
  const unfolded = name.replaceAll(/\r?\n /g, '');
  if (colon < line.end && NAME.test(unfolded)) return unfolded.toLowerCase();
  throw notAnAttribute(block, line, source);
}

function notAnAttribute({ bytes }: Block, { line }: LogicalLine, source: string): MsmqCertError {
  const hint = 'name a file that ldapsearch -LLL or ldifde wrote';
  if (bytes[0] === 0xff || bytes[0] === 0xfe) {
    return invalidLdif(source, line, 'UTF-16 text or binary data, not LDIF', 'export the file again without -u');
  }
  if (bytes.includes(0)) return invalidLdif(source, line, 'binary data, not LDIF', hint);
  return invalidLdif(source, line, 'neither "attribute: value" nor the continuation of one', hint);
}

function readValue(block: Block, line: LogicalLine, { source }: Settings): Buffer {
  const text = unfold(block.bytes, line);
  const colon = text.indexOf(':');
  if (text[colon + 1] === 0x3a) return base64Value(text.toString('latin1', colon + 2).trim(), line, source);
  if (text[colon + 1] === 0x3c) {
    throw invalidLdif(source, line.line, 'a value given by URL', 'write the value itself, in base64 after two colons');
  }
  let start = colon + 1;
  while (text[start] === 0x20) start += 1;
  const value = text.subarray(start);
  if (!value.includes(0)) return value;
  throw invalidLdif(source, line.line, 'a zero byte in a text value', 'write the value in base64 after two colons');
}

function base64Value(text: string, { line }: LogicalLine, source: string): Buffer {
  const digits = text.replace(/={1,2}$/, '');
  if (text.length % 4 === 0 && !/[^A-Za-z\d+/]/.test(digits)) return Buffer.from(digits, 'base64');
  throw invalidLdif(source, line, 'the value after two colons is not base64', 'export the file again');
}

const COLUMNS = 76;

/**
 * One attribute with its line end, as text where that is safe and in base64 otherwise (RFC 2849 SAFE-STRING; control
 * characters and a space at the end go into base64 too), folded at 76 columns.
 */
export function ldifAttribute(name: string, value: Uint8Array | string, newline = '\n'): string {
  const bytes = typeof value === 'string' ? Buffer.from(value) : asBuffer(value);
  if (bytes.length === 0) return `${name}:${newline}`;
  return isSafe(bytes) ? fold(`${name}: ${bytes.toString('latin1')}`, newline) : ldifBinary(name, bytes, newline);
}

/** One attribute in base64 whatever the value, folded at 76 columns. */
export function ldifBinary(name: string, value: Uint8Array, newline = '\n'): string {
  return fold(`${name}:: ${asBuffer(value).toString('base64')}`, newline);
}

function isSafe(bytes: Buffer): boolean {
  const first = String.fromCharCode(bytes[0] ?? 0);
  return !' :<'.includes(first) && bytes.at(-1) !== 0x20 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

function fold(line: string, newline: string): string {
  const rest = line.slice(COLUMNS).match(/.{1,75}/g) ?? [];
  return [line.slice(0, COLUMNS), ...rest].join(`${newline} `) + newline;
}
