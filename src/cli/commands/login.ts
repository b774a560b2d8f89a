import type { Command } from 'commander';
import { readNewPassword } from '../access/credentials.ts';
import { askWhoWeAre, keychainKey } from '../access/identity.ts';
import { passwordInKeychain, storeInKeychain } from '../access/keychain.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readSettings, settings } from '../settings.ts';

export function loginCommand(): Command {
  const command = newCommand('login')
    .summary("keep the bind password in the system's keychain")
    .description(
      'Asks for the bind password, proves it by a bind, and keeps it in the keychain of the operating system, for this ' +
        'directory and this name. Other commands then find it there.',
    );
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['login --directory ad://corp.example --bind CORP\\provisioner', 'asks for the password on the terminal'],
    ['login --directory ad://corp.example --bind CORP\\provisioner --password-stdin < pw', 'takes it from a file'],
  ]);
  return command.action(async (_options, self: Command) => {
    await login(self);
  });
}

/** Proves the password by a bind before it is stored: a wrong one in the keychain would lock the account out later. */
export async function login(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  const key = keychainKey(options);
  await passwordInKeychain(key);
  const password = await readNewPassword(options, key.bind);
  const { account, server } = await askWhoWeAre(options, async () => password);
  await storeInKeychain(key, password);
  const json = { schema: 1, ...key, account, server, stored: true };
  const text = `${account ?? key.bind} is logged in: the password for ${key.directory} is in the keychain of this system`;
  printResult({ exitCode: exitCodes.done, json, lines: [text] }, options);
}
