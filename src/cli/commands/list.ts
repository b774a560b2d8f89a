import { Command } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions } from '../options.ts';

export function listCommand(): Command {
  const command = new Command('list')
    .summary('list the certificates of users')
    .description('Lists what is registered for each user, with what is wrong about it.')
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['list alice bob --directory ldif:users.ldif', 'from an export of the directory'],
    ['list CORP\\alice --json', 'the same for scripts, with the environment naming directory and account'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { list } = await import('../readings.ts');
    await list(names, self);
  });
}
