import { Command } from 'commander';
import { addExamples, addIssuingOptions, collect, type Purpose } from '../options.ts';
import { pursue } from '../runs/purpose.ts';

export function replaceCommand(purpose: Purpose): Command {
  const command = new Command('replace')
    .summary('replace every per-machine certificate of users')
    .description(
      'Gives every machine of a user a new key and certificate and drops the old ones, in one write. Certificates whose\n' +
        'subject names no machine are kept.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--machine <name>', 'only this machine; may be given again', collect)
    .option('--overlap', 'keep the old certificates next to the new ones until they are pruned');
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['replace alice --dry-run', 'show what would be replaced'],
    ['replace alice --overlap', 'new certificates first; the old ones stay until msmq-cert prune --superseded'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { replace } = await import('../runs/verbs.ts');
    await pursue(purpose, await replace(names, self));
  });
}
