import { Command } from 'commander';
import { addDirectoryOptions, addExamples, addOutputOptions, parseDuration } from '../options.ts';

export function replicationCommand(): Command {
  const command = new Command('replication')
    .summary('compare users on every domain controller')
    .description(
      'Reads users on every domain controller of the domain and every global catalog, compares them byte for byte, and\n' +
        'waits until all agree. Ends with exit code 1 when they do not agree in time, or agree on a torn pair.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .option('--wait <duration>', 'how long to wait for agreement', parseDuration, 30_000)
    .option('--no-wait', 'look once');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['replication alice --no-wait', 'which server has what, now'],
    ['replication --users-from users.txt --wait 10m --json', 'after a large registration'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { replication } = await import('../replications.ts');
    await replication(names, self);
  });
}
