import { type Caller, readCaller } from '../../directory/active-directory/rights/caller.ts';
import { MsmqCertError } from '../../errors.ts';
import type { DirectorySettings } from '../settings.ts';
import { accessOptions, type PasswordSource } from './access.ts';
import type { KeychainKey } from './keychain.ts';
import { connectToAny, requireServer } from './servers.ts';

export function keychainKey(options: DirectorySettings): KeychainKey {
  const directory = requireServer(options);
  const { auth, bind } = options;
  if (auth !== 'simple') {
    throw new MsmqCertError('usage', `--auth ${auth} needs no password, so there is none to keep`, {
      hint: 'leave login and logout out, or bind with a password',
    });
  }
  if (bind === undefined) {
    throw new MsmqCertError('usage', 'nobody is named whose password is to be kept', {
      hint: 'give --bind with a DN, UPN or DOMAIN\\user, or set MSMQ_CERT_BIND',
    });
  }
  return { directory, bind };
}

export async function askWhoWeAre(
  options: DirectorySettings,
  passwordFor: PasswordSource,
): Promise<Caller & { server: string }> {
  const directory = await connectToAny(options, await accessOptions(options, passwordFor));
  try {
    return { ...(await readCaller(directory)), server: directory.server };
  } finally {
    await directory.close();
  }
}
