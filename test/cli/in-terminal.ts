import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { quotedForPosix } from '../../src/advice.ts';
import { main } from './msmq-cert.ts';

/** What is typed once something has been printed. */
export type Typed = readonly [seen: string, keys: string];

/** Longer than any of them takes, in milliseconds: a question that nobody expects must not hold up the tests. */
const LONGEST_RUN = 90_000;

export interface InTerminal {
  cwd: string;
  env?: Record<string, string>;
  typed?: readonly Typed[];
}

/** Runs the built command in a terminal of 120 columns: standard output and standard error are one. */
export async function runInTerminal(
  words: readonly string[],
  { env = {}, ...rest }: InTerminal,
): Promise<{ code: number; said: string }> {
  const known = { PATH: process.env['PATH'] ?? '' };
  return await runWordsInTerminal([process.execPath, main, ...words], { ...rest, env: { ...known, ...env } });
}

/** The same for any program. */
export async function runWordsInTerminal(
  words: readonly string[],
  { cwd, env = {}, typed = [] }: InTerminal,
): Promise<{ code: number; said: string }> {
  const line = words.map((word) => quotedForPosix(word)).join(' ');
  const child = spawn('script', ['-qec', `stty cols 120; exec ${line}`, '/dev/null'], {
    cwd,
    env: { TERM: 'xterm', SHELL: '/bin/bash', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: LONGEST_RUN,
  });
  const left = [...typed];
  let said = '';
  let from = 0;
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
    const [next] = left;
    if (next === undefined || !said.includes(next[0], from)) return;
    from = said.length;
    left.shift();
    child.stdin.write(next[1]);
  });
  const [code] = await once(child, 'close');
  return { code, said: said.replaceAll('\r\n', '\n') };
}
