import { Command, Option } from 'commander';
import { addExamples, addIssuingOptions, collect, type Purpose, parseDuration } from '../options.ts';
import { pursue } from '../runs/purpose.ts';

export function renewCommand(purpose: Purpose): Command {
  const command = new Command('renew')
    .summary('renew broken or ending certificates')
    .description('Gives the machines in scope a new key and certificate and drops the old ones, in one write a user.')
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .addOption(
      new Option('--broken', 'those no receiver can accept: see list for the findings').conflicts([
        'expiringWithin',
        'all',
      ]),
    )
    .addOption(
      new Option('--expiring-within <duration>', 'those that end within this time, and the expired ones')
        .argParser(parseDuration)
        .conflicts('all'),
    )
    .option('--all', 'every certificate that names a machine')
    .option('--machine <name>', 'only this machine; may be given again', collect)
    .option('--overlap', 'keep the old certificate next to the new one until it is pruned');
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['renew alice --broken --dry-run', 'show what is broken and would be replaced'],
    [
      'renew --users-from users.txt --expiring-within 30d --overlap',
      'renew in time, while running programs keep the old one',
    ],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { renew } = await import('../runs/verbs.ts');
    await pursue(purpose, await renew(names, self));
  });
}
