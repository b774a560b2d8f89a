import { createInterface } from 'node:readline';
import { type Readable, Transform } from 'node:stream';
import { text as consumeText } from 'node:stream/consumers';
import { parse } from 'csv-parse';
import * as z from 'zod';
import { hostOf, parseMachine } from '../certificate/machine.ts';
import { MsmqCertError, toMsmqCertError } from '../errors.ts';
import { digestSet } from '../packed/digest-set.ts';
import { nameIndex } from '../packed/name-index.ts';
import { jsonList } from '../packed/packed-list.ts';
import { durationOf } from './duration.ts';

/** One wanted registration, as a manifest states it. */
export interface ManifestRow {
  /** The line it starts on in CSV and NDJSON, the number of the element in a JSON array; from 1. */
  line: number;
  user: string;
  machine: string | null;
  /** A file with an external certificate, as written. */
  certificate: string | null;
  validForMs: number | null;
}

/** One row of a manifest; a repeat says the same as an earlier one. */
export type ReadRow = { kind: 'row'; row: ManifestRow } | { kind: 'repeat' };

/** A row before it is checked, with the number by which people find it. */
interface RawRow {
  line: number;
  raw: unknown;
}

const COLUMNS = ['user', 'machine', 'certificate', 'valid_for'] as const;
const SHOWN_PROBLEMS = 100;

const optional = z
  .string()
  .trim()
  .optional()
  .transform((text) => (text === undefined || text === '' ? null : text));

const rowSchema = z
  .strictObject(
    {
      user: z.string('the user is missing').trim().min(1, 'the user is empty'),
      machine: optional,
      certificate: optional,
      valid_for: optional,
    },
    {
      error: (issue) => (issue.code === 'invalid_type' && issue.input === null ? 'this is no JSON object' : undefined),
    },
  )
  .transform((row, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    const validForMs = row.valid_for === null ? null : durationOf(row.valid_for);
    if (row.valid_for !== null && validForMs === null) complain(`valid_for is ${row.valid_for}, which is no duration`);
    if (row.machine === null && row.certificate === null) complain('the machine is empty');
    if (row.machine !== null) complainAboutMachine(row.machine, complain);
    return { user: row.user, machine: row.machine, certificate: row.certificate, validForMs };
  });

function complainAboutMachine(machine: string, complain: (message: string) => void): void {
  try {
    parseMachine(machine);
  } catch (error) {
    complain(toMsmqCertError(error).message);
  }
}

/**
 * Reads a manifest row by row: CSV with the header user, machine, and optionally certificate and valid_for (comma,
 * semicolon or tab), a JSON array, or NDJSON; UTF-8, or UTF-16 with a byte order mark. From the first bad row on it gives
 * no more rows and goes on only to find all of them.
 * @throws MsmqCertError invalid-manifest, with one problem a line, when all is read
 */
export async function* readManifest(input: Readable, name: string): AsyncGenerator<ReadRow> {
  const problems: string[] = [];
  const repeats = repeatFinder(problems);
  let isEmpty = true;
  for await (const { line, raw } of rawRows(input, name)) {
    isEmpty = false;
    const checked = rowSchema.safeParse(raw);
    if (!checked.success) {
      problems.push(...checked.error.issues.map(({ message }) => `line ${line}: ${message}`));
      continue;
    }
    const row = { line, ...checked.data };
    const isRepeat = repeats.isRepeat(row);
    if (problems.length === 0) yield isRepeat ? { kind: 'repeat' } : { kind: 'row', row };
  }
  if (problems.length > 0) throw badRows(name, problems);
  if (isEmpty) throw new MsmqCertError('invalid-manifest', `the manifest ${name} has no rows`, { hint: HINT });
}

async function* rawRows(input: Readable, name: string): AsyncGenerator<RawRow> {
  const text = input.pipe(textDecoder());
  input.on('error', (error) => text.destroy(error));
  try {
    const start = await firstText(text);
    if (/^\s*\[/.test(start)) yield* jsonArray(text);
    else if (/^\s*\{/.test(start)) yield* jsonLines(text);
    else yield* csv(text, name);
  } catch (error) {
    throw unreadable(error, name);
  }
}

/** Finds rows that say the same as an earlier one, and certificates that are given for two users. */
function repeatFinder(problems: string[]) {
  const owners = jsonList<{ certificate: string; user: string }>();
  const byCertificate = nameIndex();
  const machines = seenMachines();

  const ownerOf = (certificate: string): string | undefined =>
    byCertificate
      .find(certificate)
      .map((position) => owners.at(position))
      .find((owner) => owner?.certificate === certificate)?.user;

  const certificateRepeats = ({ line, user }: ManifestRow, certificate: string): boolean => {
    const owner = ownerOf(certificate);
    if (owner === undefined) byCertificate.add(certificate, owners.push({ certificate, user }));
    else if (owner.toLowerCase() !== user.toLowerCase()) {
      problems.push(`line ${line}: ${certificate} is given for ${user} and for ${owner}`);
    }
    return owner !== undefined;
  };

  return {
    isRepeat(row: ManifestRow): boolean {
      if (row.certificate !== null) return certificateRepeats(row, row.certificate);
      return row.machine !== null && !machines.addNew(row.user, row.machine);
    },
  };
}

/** The machines of every user, as sameMachine tells them apart. */
function seenMachines() {
  const names = digestSet();
  const hostsOfQualified = digestSet();
  return {
    /** Adds it unless the user has it already; whether it did. */
    addNew(userName: string, machineName: string): boolean {
      const [user, machine] = [userName.toLowerCase(), machineName.toLowerCase()];
      const [exact, host] = [`${machine} ${user}`, `${hostOf(machine)} ${user}`];
      const isQualified = machine.includes('.');
      if (isQualified ? names.has(host) : hostsOfQualified.has(host)) return false;
      if (!names.add(exact)) return false;
      if (isQualified) hostsOfQualified.add(host);
      return true;
    },
  };
}

const HINT = 'a manifest is CSV with the columns user and machine, or JSON objects with these names';

function badRows(name: string, problems: string[]): MsmqCertError {
  const shown = problems.slice(0, SHOWN_PROBLEMS);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new MsmqCertError('invalid-manifest', `the manifest ${name} has ${count}`, { hint: HINT, problems: shown });
}

function unreadable(error: unknown, name: string): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new MsmqCertError('invalid-manifest', `the manifest ${name} cannot be read: ${reason}`, {
    hint: HINT,
    cause: error,
  });
}

async function* csv(text: Readable, name: string): AsyncGenerator<RawRow> {
  const parser = text.pipe(
    parse({
      columns: (header: string[]) => checkHeader(header, name),
      delimiter: [',', ';', '\t'],
      info: true,
      skip_empty_lines: true,
      trim: true,
    }),
  );
  text.on('error', (error) => parser.destroy(error));
  for await (const { record, info } of parser) yield { line: info.lines, raw: record };
}

function checkHeader(header: readonly string[], name: string): string[] {
  const columns = header.map((column) => column.trim().toLowerCase());
  const unknown = columns.find((column) => !COLUMNS.some((each) => each === column));
  const missing = ['user', 'machine'].find((column) => !columns.includes(column));
  if (unknown === undefined && missing === undefined) return columns;
  const problem =
    unknown === undefined ? `has no column ${missing}` : `has the unknown column ${JSON.stringify(unknown)}`;
  throw new MsmqCertError('invalid-manifest', `the manifest ${name} ${problem}`, { hint: HINT });
}

async function* jsonArray(text: Readable): AsyncGenerator<RawRow> {
  const rows = z.array(z.unknown()).parse(JSON.parse(await consumeText(text)));
  for (const [index, raw] of rows.entries()) yield { line: index + 1, raw };
}

async function* jsonLines(text: Readable): AsyncGenerator<RawRow> {
  let line = 0;
  for await (const json of createInterface({ input: text })) {
    line++;
    if (json.trim() !== '') yield { line, raw: parseJsonLine(json) };
  }
}

function parseJsonLine(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** The first chunk, put back so that the reader that fits gets all of it. */
async function firstText(text: Readable): Promise<string> {
  for await (const chunk of text.iterator({ destroyOnReturn: false })) {
    text.unshift(chunk);
    return String(chunk);
  }
  return '';
}

/** Bytes to text by the byte order mark, UTF-8 without one. Bytes that are no text are an error, not a question mark. */
function textDecoder(): Transform {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let held = Buffer.alloc(0);
  return new Transform({
    readableObjectMode: true,
    transform(chunk: Buffer, _encoding, done) {
      held = Buffer.concat([held, chunk]);
      // The byte order mark may arrive in two pieces.
      if (held.length < 2) {
        done();
        return;
      }
      try {
        decoder ??= new TextDecoder(encodingOf(held), { fatal: true });
        const text = decoder.decode(held, { stream: true });
        held = Buffer.alloc(0);
        done(null, text === '' ? undefined : text);
      } catch {
        done(new Error('it is neither UTF-8 nor UTF-16 with a byte order mark'));
      }
    },
    flush(done) {
      try {
        const text = (decoder ?? new TextDecoder('utf-8', { fatal: true })).decode(held);
        done(null, text === '' ? undefined : text);
      } catch {
        done(new Error('it ends in the middle of a character'));
      }
    },
  });
}

function encodingOf(start: Buffer): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le';
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : 'utf-8';
}
