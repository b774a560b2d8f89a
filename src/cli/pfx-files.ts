import { existsSync } from 'node:fs';
import { passphraseIn } from '../certificate/key-files/key-files.ts';
import { isSealed } from '../certificate/sealing/sealed.ts';
import { MsmqCertError } from '../errors.ts';
import { unseal } from '../machine/unseal.ts';
import type { WindowsCalls } from '../native/windows/calls.ts';
import { canPrompt, promptForSecret } from './access/prompt.ts';
import { readInput } from './input.ts';

/** A PFX as it was delivered, opened where it was sealed. */
export interface DeliveredPfx {
  pfx: Buffer;
  passphrase: string;
  /** Where it and its passphrase lie. */
  files: string[];
}

/**
 * Reads a PFX and its passphrase, each plain or sealed. What was sealed is only ever in memory.
 * @param passphraseFile else it lies beside the PFX, or is asked for on a terminal
 * @throws MsmqCertError file-unreadable, usage, and what opening a sealed file says
 */
export async function readDeliveredPfx(
  calls: WindowsCalls,
  file: string,
  passphraseFile: string | undefined,
): Promise<DeliveredPfx> {
  const pfx = await readMaybeSealed(calls, file);
  const beside = besideIt(file);
  const from = passphraseFile ?? beside.find((each) => existsSync(each));
  if (from !== undefined) {
    return { pfx, passphrase: passphraseIn(await readMaybeSealed(calls, from), from), files: [file, from] };
  }
  return { pfx, passphrase: await askForPassphrase(file, beside), files: [file] };
}

async function readMaybeSealed(calls: WindowsCalls, file: string): Promise<Buffer> {
  const bytes = await readInput(file);
  return isSealed(bytes, file) ? await unseal(calls, bytes, file) : bytes;
}

/** A sealed PFX has a sealed passphrase, by what register writes. */
function besideIt(file: string): string[] {
  const name = file.replace(/(\.pfx)?(\.p7m)?$/i, '');
  const [plain, sealed] = [`${name}.pass`, `${name}.pass.p7m`] as const;
  return /\.p7m$/i.test(file) ? [sealed, plain] : [plain, sealed];
}

async function askForPassphrase(file: string, [usual = '']: readonly string[]): Promise<string> {
  if (!canPrompt()) {
    throw new MsmqCertError('file-unreadable', `there is no passphrase for ${file}: ${usual} is not there`, {
      hint: 'bring the file with its passphrase too, name it with --passphrase-file, or run this on a terminal to be asked',
    });
  }
  const passphrase = await promptForSecret(`Passphrase of ${file}: `);
  if (passphrase !== '') return passphrase;
  throw new MsmqCertError('usage', `no passphrase was given for ${file}`, { hint: 'run again and type it' });
}
