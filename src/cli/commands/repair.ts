import type { Command } from 'commander';
import * as z from 'zod';
import { addExamples } from '../help.ts';
import { addCleaningOptions } from '../option-sets.ts';
import { newCommand, type Purpose } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { chosenUsers } from '../running/chosen-users.ts';
import { readSettings, settings } from '../settings.ts';

export function repairCommand(purpose: Purpose): Command {
  const command = newCommand('repair')
    .summary('make the certificates and the digests of users agree')
    .description(
      'Makes the two attributes of a user agree, as after replication tore them: adds digests that are missing, deletes ' +
        'those that no certificate has, drops second entries of one certificate, and corrects Digest fields. No certificate ' +
        'is made or lost. A blob that cannot be read to its end is only touched with --salvage.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--salvage', 'save a malformed blob to a file and keep every entry that can be read; needs --yes');
  addCleaningOptions(command, purpose, 'or-everyone');
  addExamples(command, [
    ['repair alice --dry-run', 'show what would be put right'],
    ['repair alice --salvage --yes', 'get what can be read out of a malformed blob'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await repair(names, self, purpose);
  });
}

const repairSettings = settings.cleaning.extend({ salvage: z.boolean().default(false) });

async function repair(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, repairSettings);
  const chosen = await chosenUsers(names, options);
  const request = { verb: 'repair', salvage: options.salvage, confirmed: options.yes } as const;
  await perform(purpose, request, chosen, options);
}
