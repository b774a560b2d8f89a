import { type MsmqCertError, toMsmqCertError } from '../errors.ts';
import { type ExitCode, exitCodeOfError } from './exit-codes.ts';
import { errorColours } from './render/colours.ts';
import type { OutputSettings } from './settings.ts';
import { print, printData, tell } from './terminal.ts';

/** What a command has to say when it is done. */
export interface CommandResult {
  exitCode: ExitCode;
  /** The document for --json. */
  json: unknown;
  /** The same for people, line by line; none when everything is said already. */
  lines: readonly string[];
}

/** Prints the result on standard output. */
export function printResult(result: CommandResult, settings: OutputSettings): void {
  if (settings.json) printJson(result.json);
  else if (!settings.quiet) print(result.lines);
  process.exitCode = result.exitCode;
}

let hasDocument = false;

/** What may fail after a document must not print another one. */
export function printJson(document: unknown): void {
  if (hasDocument) return;
  noteDocument();
  printData(`${JSON.stringify(document, null, 2)}\n`);
}

/** For a document that is printed piece by piece. */
export function noteDocument(): void {
  hasDocument = true;
}

/** One document of many, each a line of its own. */
export function printJsonLine(document: object): void {
  printData(`${JSON.stringify(document)}\n`);
}

/** What a command prints for programs: one document, one a line, or nothing. */
export type Form = 'json' | 'ndjson' | 'text';

/** The failure that ended a command: on standard error, and as a document, or the last line, for programs. */
export function printFailure(thrown: unknown, { form, verbose }: { form: Form; verbose: boolean }): void {
  const error = toMsmqCertError(thrown);
  tellError(error);
  if (verbose) tell(...stackOf(error).split('\n'));
  printError(error, form);
  process.exitCode = exitCodeOfError(error);
}

/** For programs alone. */
export function printError(error: MsmqCertError, form: Form): void {
  const document = { schema: 1, error: errorJson(error) };
  if (form === 'json') printJson(document);
  if (form === 'ndjson') printJsonLine(document);
}

/** What people read of an error. */
export type Told = Pick<MsmqCertError, 'code' | 'message' | 'problems' | 'hint'>;

/** `error[code]: sentence`, then what is wrong one by one, then the hint. */
export function tellError(error: Told, about = ''): void {
  const subject = about === '' || error.message.includes(about) ? '' : `${about}: `;
  tell(`${errorColours.red(`error[${error.code}]`)}: ${subject}${error.message}`);
  for (const problem of error.problems) tell(`  ${problem}`);
  if (error.hint !== undefined) tell(`${errorColours.dim('hint')}: ${error.hint}`);
}

/** Paragraphs with an empty line between them. */
export function paragraphsOf(paragraphs: readonly (readonly string[])[]): string[] {
  return paragraphs.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

export interface ErrorJson {
  code: string;
  message: string;
  hint: string | null;
  problems?: readonly string[];
}

export function errorJson(error: MsmqCertError): ErrorJson {
  const { code, message, hint = null, problems } = error;
  return { code, message, hint, ...(problems.length > 0 && { problems }) };
}

function stackOf(error: Error): string {
  const { cause } = error;
  return `${error.stack}${cause instanceof Error ? `\ncaused by: ${stackOf(cause)}` : ''}`;
}
