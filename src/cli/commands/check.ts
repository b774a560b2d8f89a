import { Command } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions } from '../options.ts';

export function checkCommand(): Command {
  const command = new Command('check')
    .summary('check the connection, the server and the rights beforehand')
    .description(
      'Checks everything that registering depends on and changes nothing: names, TLS, the bind, the schema, the clock, and\n' +
        'for each user what this account may read and write. Failures end with exit code 1, those of the connection with 3.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .option('--delegation <group>', 'print how to give this group the right to write both attributes')
    .option('--ou <dn>', 'of the users below this container');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['check alice --directory ad://corp.example --bind CORP\\provisioner', 'before the first registration'],
    [
      'check --delegation "MSMQ Provisioners" --ou OU=Branches,DC=corp,DC=example',
      'the exact rights that an administrator has to grant',
    ],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { check } = await import('../checks.ts');
    await check(names, self);
  });
}
