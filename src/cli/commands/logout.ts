import type { Command } from 'commander';
import { keychainKey } from '../access/identity.ts';
import { removeFromKeychain } from '../access/keychain.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readSettings, settings } from '../settings.ts';

export function logoutCommand(): Command {
  const command = newCommand('logout')
    .summary("remove the bind password from the system's keychain")
    .description('Removes what login has kept for this directory and this name. Nothing to remove is no failure.');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['logout --directory ad://corp.example --bind CORP\\provisioner', 'forget the password']]);
  return command.action(async (_options, self: Command) => {
    await logout(self);
  });
}

export async function logout(command: Command): Promise<void> {
  const options = await readSettings(command, settings.directory);
  const key = keychainKey(options);
  const removed = await removeFromKeychain(key);
  const done = removed ? 'is removed from' : 'was not in';
  const text = `the password of ${key.bind} for ${key.directory} ${done} the keychain of this system`;
  printResult({ exitCode: exitCodes.done, json: { schema: 1, ...key, removed }, lines: [text] }, options);
}
