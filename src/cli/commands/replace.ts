import type { Command } from 'commander';
import { addExamples } from '../help.ts';
import { addIssuingOptions, addReplacingOptions } from '../option-sets.ts';
import { addEveryoneOptions, newCommand, type Purpose } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { chosenUsers } from '../running/chosen-users.ts';
import { chosenMachines } from '../running/named.ts';
import { readSettings, settings } from '../settings.ts';

export function replaceCommand(purpose: Purpose): Command {
  const command = newCommand('replace')
    .summary('replace every per-machine certificate of users')
    .description(
      'Gives every machine of a user a new key and certificate and drops the old ones, in one write. Certificates whose ' +
        'subject names no machine are kept.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID');
  addReplacingOptions(command, 'keep the old certificates next to the new ones until they are pruned');
  addEveryoneOptions(command);
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['replace alice --dry-run', 'show what would be replaced'],
    ['replace alice --overlap', 'new certificates first; the old ones stay until msmq-cert prune --superseded'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await replace(names, self, purpose);
  });
}

async function replace(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, settings.replacing);
  const machines = chosenMachines(options.machine);
  const chosen = await chosenUsers(names, options);
  const request = { verb: 'replace', machines, overlap: options.overlap, retire: options.retire } as const;
  await perform(purpose, request, chosen, options);
}
