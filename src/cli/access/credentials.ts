import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { readInput, readSecret } from '../input.ts';
import type { DirectorySettings } from '../settings.ts';
import { passwordInKeychain } from './keychain.ts';
import { canPrompt, promptForSecret } from './prompt.ts';

export type PasswordOrigin = 'file' | 'stdin' | 'environment' | 'keychain' | 'prompt';

export interface FoundPassword {
  password: string;
  origin: PasswordOrigin;
}

/**
 * The bind password, from the first of: --password-file, --password-stdin, MSMQ_CERT_PASSWORD, the keychain of the
 * operating system, a prompt on a terminal.
 * @throws MsmqCertError credentials-missing, file-unreadable
 */
export async function readPassword(settings: DirectorySettings, bind: string): Promise<string> {
  return (await findPassword(settings, bind)).password;
}

/** The same, and where it was found. */
export async function findPassword(settings: DirectorySettings, bind: string): Promise<FoundPassword> {
  const given = (await fromOptions(settings)) ?? fromEnvironment() ?? (await fromKeychain(settings, bind));
  if ('password' in given) return notEmpty(given, bind);
  if (canPrompt()) return notEmpty(await fromPrompt(bind), bind);
  const { unavailable } = given;
  throw new MsmqCertError('credentials-missing', `there is no password for ${bind}`, {
    hint:
      unavailable === null
        ? 'give it with --password-file, --password-stdin or MSMQ_CERT_PASSWORD, or store it with msmq-cert login'
        : `give it with --password-file, --password-stdin or MSMQ_CERT_PASSWORD; ${unavailable.message}`,
    cause: unavailable ?? undefined,
  });
}

/**
 * A password that is not stored yet: from --password-file, --password-stdin or a prompt.
 * @throws MsmqCertError credentials-missing, file-unreadable
 */
export async function readNewPassword(settings: DirectorySettings, bind: string): Promise<string> {
  const given = await fromOptions(settings);
  if (given !== null) return notEmpty(given, bind).password;
  if (canPrompt()) return notEmpty(await fromPrompt(bind), bind).password;
  throw new MsmqCertError('credentials-missing', `there is no password for ${bind} to store`, {
    hint: 'run this on a terminal, or give the password with --password-stdin or --password-file',
  });
}

async function fromOptions(settings: DirectorySettings): Promise<FoundPassword | null> {
  const { passwordFile, passwordStdin } = settings;
  if (passwordFile !== undefined) {
    return { password: firstLine(await readSecret(passwordFile, settings)), origin: 'file' };
  }
  if (passwordStdin) return { password: firstLine(await readInput('-')), origin: 'stdin' };
  return null;
}

function fromEnvironment(): FoundPassword | null {
  const password = process.env['MSMQ_CERT_PASSWORD'];
  return password === undefined ? null : { password, origin: 'environment' };
}

/** A machine without a keychain is no failure as long as there is another way. */
async function fromKeychain(
  { directory = '' }: DirectorySettings,
  bind: string,
): Promise<FoundPassword | { unavailable: MsmqCertError | null }> {
  try {
    const password = await passwordInKeychain({ directory, bind });
    return password === null ? { unavailable: null } : { password, origin: 'keychain' };
  } catch (error) {
    return { unavailable: toMsmqCertError(error) };
  }
}

async function fromPrompt(bind: string): Promise<FoundPassword> {
  return { password: await promptForSecret(`Password for ${bind}: `), origin: 'prompt' };
}

function notEmpty(found: FoundPassword, bind: string): FoundPassword {
  if (found.password !== '') return found;
  throw new MsmqCertError('credentials-missing', `the password for ${bind} is empty`, {
    hint: 'an LDAP bind with an empty password is an anonymous one; give the real password',
  });
}

function firstLine(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/, 1)
    .join('');
}
