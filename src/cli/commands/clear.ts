import { Command } from 'commander';
import {
  addDirectoryOptions,
  addExamples,
  addMutationOptions,
  addOutFolderOption,
  addOutputOptions,
  addUserListOption,
} from '../options.ts';
import { pursue } from '../runs/purpose.ts';

export function clearCommand(): Command {
  const command = new Command('clear')
    .summary('remove every certificate of users')
    .description(
      'Removes both attributes of users, whatever stands in them, after it has saved them to a file in backup below --out.\n' +
        'Needs --yes. With --ldif nothing is removed: the file then holds the change for ldifde and ldapmodify.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--include-computers', 'clear computers and service accounts too, whose queue managers use the attributes');
  addOutFolderOption(command);
  addUserListOption(command);
  addMutationOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['clear alice --yes', 'start over; msmq-cert restore or undo brings back what was there'],
    ['clear alice --ldif clear.ldif', 'a file for ldifde -i -f clear.ldif'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { clear } = await import('../runs/clean-up.ts');
    await pursue('carry-out', await clear(names, self));
  });
}
