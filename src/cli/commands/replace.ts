import { type Command, Option } from 'commander';
import * as z from 'zod';
import { addExamples } from '../help.ts';
import { addEveryoneOptions, addIssuingOptions, collect, newCommand, type Purpose } from '../options.ts';
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
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--machine <name>', 'only this machine; may be given again', collect)
    .option('--overlap', 'keep the old certificates next to the new ones until they are pruned')
    .addOption(
      new Option('--retire', 'drop sound certificates of other makers too, which senders may still use').conflicts(
        'overlap',
      ),
    );
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

const replaceSettings = settings.keys.extend({
  machine: z.array(z.string()).optional(),
  overlap: z.boolean().default(false),
  retire: z.boolean().default(false),
});

async function replace(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, replaceSettings);
  const machines = chosenMachines(options.machine);
  const chosen = await chosenUsers(names, options);
  const request = { verb: 'replace', machines, overlap: options.overlap, retire: options.retire } as const;
  await perform(purpose, request, chosen, options);
}
