import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { escaped, UNSEEN } from '../visible.ts';

// Nothing else writes to the standard streams, so that no text can be printed with what a terminal would obey.
const { stdout, stderr } = process;

export const isTerminal = { output: stdout.isTTY === true, errors: stderr.isTTY === true };

/** For what draws on the terminal by itself, with nothing from outside in it. */
export const progressStream = stderr;

const ESCAPE = '\u001b';

/**
 * A colour of ours carries numbers that are new in each process: whoever writes escape sequences into a name cannot know
 * them. They stand where libraries that measure text expect further parameters.
 */
const MARK = Array.from({ length: 3 }, () => randomInt(1000, 10_000)).join(';');
const unsafe = new RegExp(String.raw`${ESCAPE}\[(\d+);${MARK}m|${UNSEEN}`, 'gu');
const unsafeInCell = new RegExp(String.raw`(${ESCAPE}\[\d+;${MARK}m)|${UNSEEN}`, 'gu');

const colour = new RegExp(`${ESCAPE}\\[(\\d+)m`, 'g');

/** Text with the escape sequences of a colour, so that they reach the terminal. */
export function marked(coloured: string): string {
  return coloured.replaceAll(colour, `${ESCAPE}[$1;${MARK}m`);
}

/** Text without the sequences that a library added to it because it did not know ours. */
export function unmarkedRemoved(text: string): string {
  return text.replaceAll(colour, '');
}

/** One line as it may reach a terminal: whatever is in it, it stays one line and acts on nothing. */
function visible(line: string): string {
  return line.replace(unsafe, (found: string, code: string | undefined) =>
    code === undefined ? escaped(found) : `${ESCAPE}[${code}m`,
  );
}

/** The same for a part of a line that is still to be measured. */
export function visiblePart(text: string): string {
  return text.replace(unsafeInCell, (found: string, own: string | undefined) => own ?? escaped(found));
}

let isDrawing = false;

/** Says that the last line of the terminal is drawn over and over: what is printed takes its place until the next time. */
export function drawing(isOn: boolean): void {
  isDrawing = isOn;
}

function makeRoom(): void {
  if (isDrawing) stderr.write(`\r${ESCAPE}[K`);
}

/** Lines for people, on standard output. */
export function print(lines: readonly string[]): void {
  if (lines.length === 0) return;
  makeRoom();
  stdout.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** Lines for people, on standard error. */
export function tell(...lines: readonly string[]): void {
  makeRoom();
  stderr.write(lines.map((line) => `${visible(line)}\n`).join(''));
}

/** A question whose answer follows on the same line. */
export function askFor(question: string): void {
  stderr.write(visible(question));
}

/** Data for programs, on standard output as it is. */
export function printData(data: string | Uint8Array): void {
  stdout.write(data);
}

/** Waits while the reader of standard output is slower, so that nothing piles up in memory. */
export async function roomToPrint(): Promise<void> {
  if (stdout.writableNeedDrain) await once(stdout, 'drain');
}

/** @param handle told when standard output cannot be written any more, as when its reader has ended */
export function onBrokenOutput(handle: (error: NodeJS.ErrnoException) => void): void {
  stdout.on('error', handle);
}

/** The same for standard error. */
export function onBrokenErrors(handle: (error: NodeJS.ErrnoException) => void): void {
  stderr.on('error', handle);
}
