import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { type Invocation, runMsmqCert } from '../cli/msmq-cert.ts';
import { keyFilesBelow, reaching } from './command-line.ts';
import type { Lab } from './lab.ts';

/** The options that lead to the lab, with some of them different, or left out where they are null. */
export function reachingExcept(lab: Lab, changes: Record<string, string | null>): string[] {
  const words = reaching(lab);
  for (const [option, value] of Object.entries(changes)) {
    words.splice(words.indexOf(option), 2, ...(value === null ? [] : [option, value]));
  }
  return words;
}

/** Registers bob with these options, and expects this on standard error, this exit code and no key file. */
export async function assertRefused(
  words: string[],
  code: number,
  stderr: string | RegExp,
  invocation: Invocation = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const register = ['register', 'bob', '--machine', 'PC-1', '--out', join(folder, 'certs')];
    const outcome = await runMsmqCert([...register, ...words], invocation);
    if (typeof stderr === 'string') assert.equal(outcome.stderr, stderr);
    else assert.match(outcome.stderr, stderr);
    assert.equal(outcome.code, code);
    assert.deepEqual(await keyFilesBelow(folder), []);
  });
}
