import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, rm, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Windows } from './windows.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('mqrt-stand-in.c', import.meta.url));

/** Longer than a command takes from its start to the call, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** What the stand-in for mqrt.dll was called with: `1 NULL 0`. */
export type MqCall = string;

/**
 * Puts the stand-in for mqrt.dll where Windows has the library of MSMQ. It is none of Microsoft's: what happens during
 * the call, the test does itself.
 */
export async function installMqrtStandIn({ folder }: Windows): Promise<void> {
  const system = join(folder, '.wine/drive_c/windows/system32');
  await mkdir(system, { recursive: true });
  await run('x86_64-w64-mingw32-gcc', ['-shared', '-O2', '-Wall', '-Werror', '-o', join(system, 'mqrt.dll'), source]);
}

/**
 * Answers the one call that comes.
 * @param register does what MSMQ would do before it returns, and returns its HRESULT
 * @returns how it was called
 */
export async function answerMqrt({ folder }: Windows, register: (call: MqCall) => Promise<number>): Promise<MqCall> {
  const file = (name: string) => join(folder, name);
  const changes = watch(folder, { signal: AbortSignal.timeout(LONGEST_WAIT) });
  await Promise.all(['mqrt-call', 'mqrt-answer'].map((name) => rm(file(name), { force: true })));
  let call: string | null = null;
  for await (const { filename } of changes) {
    if (filename !== 'mqrt-call') continue;
    call = await readFile(file('mqrt-call'), 'utf8').catch(() => null);
    if (call !== null) break;
  }
  if (call === null) throw new Error('nobody called');
  const result = await register(call.trim());
  await writeFile(file('mqrt-answer.tmp'), result.toString(16));
  await rename(file('mqrt-answer.tmp'), file('mqrt-answer'));
  return call.trim();
}
