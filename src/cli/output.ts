import { type MsmqCertError, toMsmqCertError } from '../errors.ts';
import { type ExitCode, exitCodeOf } from './exit-codes.ts';
import { errorColours } from './render/colours.ts';
import type { OutputSettings } from './settings.ts';

/** What a command has to say when it is done. */
export interface CommandResult {
  exitCode: ExitCode;
  /** The document for --json. */
  json: unknown;
  /** The same for people; empty when everything is said already. */
  text: string;
}

/** Prints the result on standard output. */
export function printResult(result: CommandResult, settings: OutputSettings): void {
  if (settings.json) printJson(result.json);
  else if (!settings.quiet) print(result.text);
  process.exitCode = result.exitCode;
}

export function print(text: string): void {
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** A message for people, on standard error. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The failure that ended a command: on standard error, and as a document with --json. */
export function printFailure(thrown: unknown, settings: Pick<OutputSettings, 'json' | 'verbose'>): void {
  const error = toMsmqCertError(thrown);
  tellError(error);
  if (settings.verbose) tell(stackOf(error));
  if (settings.json) printJson({ schema: 1, error: errorJson(error) });
  process.exitCode = exitCodeOf(error.code);
}

/** `error[code]: sentence`, then what is wrong one by one, then the hint. */
export function tellError(error: MsmqCertError, about = ''): void {
  const subject = about === '' || error.message.includes(about) ? '' : `${about}: `;
  tell(`${errorColours.red(`error[${error.code}]`)}: ${subject}${harmless(error.message)}`);
  for (const problem of error.problems) tell(`  ${harmless(problem)}`);
  if (error.hint !== undefined) tell(`${errorColours.dim('hint')}: ${harmless(error.hint)}`);
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

/** Text from the directory or from files must not be able to act on a terminal. */
export function harmless(text: string): string {
  return text.replace(/(?! )[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function stackOf(error: Error): string {
  const { cause } = error;
  return `${error.stack}${cause instanceof Error ? `\ncaused by: ${stackOf(cause)}` : ''}`;
}
