import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isSea } from 'node:sea';
import * as z from 'zod';
import { MsmqCertError, systemCode } from '../errors.ts';
import { withScratchFile } from '../files/scratch-file.ts';
import type { SignElsewhere } from '../machine/install.ts';
import { requireWindows, type WindowsCalls, windowsCalls } from '../native/windows/calls.ts';
import { readSession, type Session } from '../native/windows/session.ts';
import { tryKeys } from '../native/windows/trial.ts';

/** The machine where MSMQ signs, and who runs this there. */
export interface Here {
  calls: WindowsCalls;
  session: Session;
}

/**
 * @param what what cannot be done elsewhere, as the start of a sentence
 * @throws MsmqCertError not-available
 */
export async function thisMachine(what: string): Promise<Here> {
  requireWindows(what);
  const calls = await windowsCalls();
  return { calls, session: readSession(calls) };
}

/**
 * The same for commands that make or import keys.
 * @throws MsmqCertError not-available, no-key-access
 */
export async function thisMachineWithKeys(what: string): Promise<Here> {
  const here = await thisMachine(what);
  tryKeys(here.calls);
  return here;
}

const signedSchema = z.object({ signature: z.base64() });
const failedSchema = z.object({ error: z.object({ message: z.string() }) });

/** Signs with this program, started anew: what only this process has in memory does not count. */
export const signElsewhere: SignElsewhere = (digest, data) =>
  // a file, for Wine gives Node.js no pipes
  withScratchFile(async (answer, output) => {
    const own = isSea() ? [] : [process.argv[1] ?? ''];
    const words = ['installed', '--digest', digest, '--sign', data.toString('hex'), '--json'];
    const child = spawn(process.execPath, [...own, ...words], {
      stdio: ['ignore', output, 'ignore'],
      windowsHide: true,
    });
    await once(child, 'close').catch((cause: unknown) => {
      throw cannotSign(`it does not start (${systemCode(cause) ?? 'unknown error'})`, cause);
    });
    return signatureIn(readFileSync(answer, 'utf8'));
  });

function signatureIn(answer: string): Buffer {
  const document = parsed(answer);
  const signed = signedSchema.safeParse(document);
  if (signed.success) return Buffer.from(signed.data.signature, 'base64');
  const failed = failedSchema.safeParse(document);
  throw cannotSign(failed.success ? failed.data.error.message : 'it said nothing');
}

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return null;
  }
}

function cannotSign(why: string, cause?: unknown): MsmqCertError {
  return new MsmqCertError('signature-failed', `another process cannot sign with the installed key: ${why}`, {
    hint: 'nothing was installed; a policy may keep programs from starting others, or the key from being used',
    cause,
  });
}
