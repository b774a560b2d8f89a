import { createInterface } from 'node:readline';
import { type Readable, Transform } from 'node:stream';
import { text as consumeText } from 'node:stream/consumers';
import { parse } from 'csv-parse';
import * as z from 'zod';
import { hostOf, parseMachine, sameMachine } from '../certificate/machine.ts';
import { MsmqCertError, toMsmqCertError } from '../errors.ts';
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

export interface Manifest {
  rows: ManifestRow[];
  /** Rows that say the same as an earlier one. */
  duplicates: number;
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
 * Reads a manifest: CSV with the header user, machine, and optionally certificate and valid_for (comma, semicolon or tab),
 * a JSON array, or NDJSON; UTF-8, or UTF-16 with a byte order mark. Streams; every bad row is reported, all at once.
 * @throws MsmqCertError invalid-manifest, with one problem a line
 */
export async function readManifest(input: Readable, name: string): Promise<Manifest> {
  const collector = collect(name);
  const text = input.pipe(textDecoder());
  input.on('error', (error) => text.destroy(error));
  try {
    const start = await firstText(text);
    if (/^\s*\[/.test(start)) await readJsonArray(text, collector);
    else if (/^\s*\{/.test(start)) await readJsonLines(text, collector);
    else await readCsv(text, collector, name);
  } catch (error) {
    throw unreadable(error, name);
  }
  return collector.finish();
}

interface Collector {
  take(line: number, raw: unknown): void;
  finish(): Manifest;
}

function collect(name: string): Collector {
  const rows: ManifestRow[] = [];
  const problems: string[] = [];
  const repeats = repeatFinder(problems);
  let duplicates = 0;

  return {
    take(line, raw) {
      const checked = rowSchema.safeParse(raw);
      if (!checked.success) problems.push(...checked.error.issues.map(({ message }) => `line ${line}: ${message}`));
      else if (repeats.isRepeat({ line, ...checked.data })) duplicates++;
      else rows.push({ line, ...checked.data });
    },
    finish() {
      if (problems.length > 0) throw badRows(name, problems);
      if (rows.length === 0) {
        throw new MsmqCertError('invalid-manifest', `the manifest ${name} has no rows`, { hint: HINT });
      }
      return { rows, duplicates };
    },
  };
}

/** Finds rows that say the same as an earlier one, and certificates that are given for two users. */
function repeatFinder(problems: string[]) {
  const userOf = new Map<string, string>();
  const machinesOf = new Map<string, string[]>();

  const certificateRepeats = ({ line, user }: ManifestRow, certificate: string): boolean => {
    const owner = userOf.get(certificate);
    if (owner === undefined) userOf.set(certificate, user);
    else if (owner.toLowerCase() !== user.toLowerCase()) {
      problems.push(`line ${line}: ${certificate} is given for ${user} and for ${owner}`);
    }
    return owner !== undefined;
  };

  const machineRepeats = (user: string, machine: string): boolean => {
    const host = `${user.toLowerCase()} ${hostOf(machine)}`;
    const others = machinesOf.get(host) ?? [];
    if (others.some((other) => sameMachine(other, machine))) return true;
    machinesOf.set(host, [...others, machine]);
    return false;
  };

  return {
    isRepeat(row: ManifestRow): boolean {
      if (row.certificate !== null) return certificateRepeats(row, row.certificate);
      return row.machine !== null && machineRepeats(row.user, row.machine);
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

async function readCsv(text: Readable, collector: Collector, name: string): Promise<void> {
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
  for await (const { record, info } of parser) collector.take(info.lines, record);
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

async function readJsonArray(text: Readable, collector: Collector): Promise<void> {
  const rows = z.array(z.unknown()).parse(JSON.parse(await consumeText(text)));
  rows.forEach((row, index) => {
    collector.take(index + 1, row);
  });
}

async function readJsonLines(text: Readable, collector: Collector): Promise<void> {
  let line = 0;
  for await (const json of createInterface({ input: text })) {
    line++;
    if (json.trim() !== '') collector.take(line, parseJsonLine(json));
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
