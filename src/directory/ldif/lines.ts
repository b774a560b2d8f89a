import { asBuffer } from '../../blob/digest.ts';
import { MsmqCertError } from '../../errors.ts';
import { type ReadAdvice, readError } from '../../files/file-errors.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COMMENT = 0x23;

/** Far above any record a directory gives out; it keeps a file that is no LDIF from filling the memory. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The lines up to and including the next blank one. `start` is a byte offset in the input, `line` counts from 1. */
export interface Block {
  bytes: Buffer;
  start: number;
  line: number;
}

/** One line with its continuation lines: byte offsets in the block, the last newline included. */
export interface LogicalLine {
  start: number;
  end: number;
  line: number;
}

export function invalidLdif(source: string, line: number, problem: string, hint: string): MsmqCertError {
  return new MsmqCertError('invalid-ldif', `${source} line ${line}: ${problem}`, { hint });
}

/**
 * Cuts a stream at its blank lines and holds no more than one block at a time. The blocks joined are the input.
 * @throws MsmqCertError invalid-ldif when a block is larger than 64 MiB
 */
export async function* blocks(chunks: Chunks, source: string): AsyncGenerator<Block> {
  let parts: Buffer[] = [];
  let next = { start: 0, line: 1 };
  let lines = 0;
  let size = 0;
  let blank = true;
  for await (const chunk of chunks) {
    const bytes = asBuffer(chunk);
    let from = 0;
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(LF, at);
      const end = newline === -1 ? bytes.length : newline;
      blank &&= isBlank(bytes, at, end);
      at = end + 1;
      if (newline === -1) break;
      lines += 1;
      if (blank) {
        const block = { ...next, bytes: joined([...parts, bytes.subarray(from, at)]) };
        next = { start: block.start + block.bytes.length, line: block.line + lines };
        [parts, lines, size, from] = [[], 0, 0, at];
        yield block;
      }
      blank = true;
    }
    parts.push(bytes.subarray(from));
    size += bytes.length - from;
    if (size > MAX_BLOCK_BYTES) throw tooLarge(source, next.line);
  }
  if (size > 0) yield { ...next, bytes: joined(parts) };
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  return end === start || (end === start + 1 && bytes[start] === CR);
}

function joined(parts: Buffer[]): Buffer {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}

function tooLarge(source: string, line: number): MsmqCertError {
  return invalidLdif(source, line, 'no blank line within 64 MiB', 'name a file that ldapsearch -LLL or ldifde wrote');
}

/** The lines of a block, each with its continuation lines; comments and blank lines are left out. */
export function logicalLines({ bytes, line: first }: Block): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let line = first;
  for (let start = 0; start < bytes.length; ) {
    const begin = { start, line };
    let end = lineEnd(bytes, start);
    for (line += 1; bytes[end] === SPACE; line += 1) end = lineEnd(bytes, end);
    if (bytes[start] !== COMMENT && contentEnd(bytes, end) > start) lines.push({ ...begin, end });
    start = end;
  }
  return lines;
}

/** One line without its folds and its line ends (RFC 2849, note 2). */
export function unfold(bytes: Buffer, { start, end }: LogicalLine): Buffer {
  const whole = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; ) {
    const next = lineEnd(bytes, at);
    length += bytes.copy(whole, length, at === start ? at : at + 1, contentEnd(bytes, next));
    at = next;
  }
  return whole.subarray(0, length);
}

function lineEnd(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(LF, start);
  return newline === -1 ? bytes.length : newline + 1;
}

function contentEnd(bytes: Buffer, end: number): number {
  if (bytes[end - 1] !== LF) return end;
  return bytes[end - 2] === CR ? end - 2 : end - 1;
}

/** What is said of an LDIF file that cannot be read. */
export function readAdvice(source: string): ReadAdvice {
  return {
    hint: 'name a plain file that this account may read',
    missing: {
      message: `there is no file ${source}`,
      hint: 'check the path, or export the users into it with ldapsearch -LLL or ldifde -f',
    },
  };
}

/** A system error while an LDIF file was read as an error with a code; a bug is thrown as it is. */
export function notRead(source: string, error: unknown): MsmqCertError {
  return readError(source, error, readAdvice(source));
}
