import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Invocation {
  /** On top of PATH, which is all that a run inherits. */
  env?: Record<string, string>;
  cwd?: string;
  /** What it reads on standard input; nothing by default. */
  input?: string | Uint8Array;
  /** Options of node itself. */
  nodeOptions?: string[];
  /** A program that runs it, with its options. */
  under?: string[];
}

export interface Outcome {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the built command. */
export function startMsmqCert(words: string[], invocation: Invocation = {}): ChildProcessWithoutNullStreams {
  if (!existsSync(main)) throw new Error('there is no dist/cli/main.js: run npm run build before these tests');
  const { nodeOptions = [], under = [], ...rest } = invocation;
  const [program = process.execPath, ...before] = [...under, process.execPath, ...nodeOptions, main];
  return startProgram(program, [...before, ...words], rest);
}

/** Starts any program in the same way. */
export function startProgram(
  program: string,
  words: string[],
  { env = {}, cwd, input = '' }: Pick<Invocation, 'env' | 'cwd' | 'input'>,
): ChildProcessWithoutNullStreams {
  const child = spawn(program, words, {
    env: { PATH: process.env['PATH'], ...env },
    ...(cwd !== undefined && { cwd }),
  });
  // a command that ends before it has read everything is no error of the test
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return child;
}

/** What a started command printed, when it has ended. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await closed;
  return { code, stdout, stderr };
}

/** Runs the built command as a user would. */
export async function runMsmqCert(words: string[], invocation: Invocation = {}): Promise<Outcome> {
  return await outcomeOf(startMsmqCert(words, invocation));
}
