import type { Command } from 'commander';
import { type Caller, readCaller } from '../../directory/active-directory/rights/caller.ts';
import { MsmqCertError } from '../../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { harmless, printResult } from '../output.ts';
import { type DirectorySettings, readSettings, settings } from '../settings.ts';
import { table } from '../table.ts';
import { accessOptions, type PasswordSource } from './access.ts';
import { findPassword, type PasswordOrigin, readNewPassword } from './credentials.ts';
import { type KeychainKey, passwordInKeychain, removeFromKeychain, storeInKeychain } from './keychain.ts';
import { connectToAny, requireServer } from './servers.ts';

/** Proves the password by a bind before it is stored: a wrong one in the keychain would lock the account out later. */
export async function login(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  const key = keychainKey(options);
  await passwordInKeychain(key);
  const password = await readNewPassword(options, key.bind);
  const { account, server } = await askWhoWeAre(options, async () => password);
  await storeInKeychain(key, password);
  const json = { schema: 1, ...key, account, server, stored: true };
  const text = `${harmless(account ?? key.bind)} is logged in: the password for ${key.directory} is in the keychain of this system`;
  printResult({ exitCode: exitCodes.done, json, text }, options);
}

export async function logout(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  const key = keychainKey(options);
  const removed = await removeFromKeychain(key);
  const done = removed ? 'is removed from' : 'was not in';
  const text = `the password of ${key.bind} for ${key.directory} ${done} the keychain of this system`;
  printResult({ exitCode: exitCodes.done, json: { schema: 1, ...key, removed }, text }, options);
}

function keychainKey(options: DirectorySettings): KeychainKey {
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

export async function whoami(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  requireServer(options);
  let origin: PasswordOrigin | null = null;
  const { account, sids, server } = await askWhoWeAre(options, async (given, bind) => {
    const found = await findPassword(given, bind);
    origin = found.origin;
    return found.password;
  });
  const sid = sids[0] ?? null;
  const json = {
    schema: 1,
    account,
    sid,
    server,
    auth: options.auth,
    bind: options.bind ?? null,
    passwordFrom: origin,
  };
  const rows = [
    ['account', harmless(account ?? 'not told by the directory')],
    ['SID', sid ?? 'not told by the directory'],
    ['server', server],
    ['bound with', boundWith(options, origin)],
  ];
  printResult({ exitCode: exitCodes.done, json, text: table(rows) }, options);
}

const ORIGINS: Record<PasswordOrigin, string> = {
  file: 'the password in a file',
  stdin: 'the password from standard input',
  environment: 'the password in MSMQ_CERT_PASSWORD',
  keychain: 'the password in the keychain of this system',
  prompt: 'the password that was typed',
};

function boundWith({ auth, passwordFile }: DirectorySettings, origin: PasswordOrigin | null): string {
  if (origin === null) return auth === 'kerberos' ? 'a Kerberos ticket' : 'a client certificate';
  return origin === 'file' ? `the password in ${passwordFile}` : ORIGINS[origin];
}

async function askWhoWeAre(
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
