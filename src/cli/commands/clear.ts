import type { Command } from 'commander';
import * as z from 'zod';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addCleaningOptions } from '../option-sets.ts';
import { newCommand } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { withoutWanted } from '../running/named.ts';
import { readSettings, settings } from '../settings.ts';

export function clearCommand(): Command {
  const command = newCommand('clear')
    .summary('remove every certificate of users')
    .description(
      'Removes both attributes of users, whatever stands in them, after it has saved them to a file in backup below --out. ' +
        'Needs --yes. With --ldif nothing is removed: the file then holds the change for ldifde and ldapmodify,\n' +
        'which leave a user alone whose certificates were changed since.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--include-computers', 'clear computers and service accounts too, whose queue managers use the attributes');
  addCleaningOptions(command, 'carry-out', 'named');
  addExamples(command, [
    ['clear alice --yes', 'start over; msmq-cert restore or undo brings back what was there'],
    ['clear alice --ldif clear.ldif', 'a file for ldifde -i -f clear.ldif'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await clear(names, self);
  });
}

const clearSettings = settings.cleaning.extend({ includeComputers: z.boolean().default(false) });

/** With --ldif nothing is written to the directory, so there is nothing to confirm. */
async function clear(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, clearSettings);
  const users = await readUserNames(names, options.usersFrom);
  const onlyRecord = options.ldif !== undefined;
  const { includeComputers } = options;
  const request = { verb: 'clear', confirmed: options.yes || onlyRecord, includeComputers } as const;
  const settings = { ...options, dryRun: options.dryRun || onlyRecord };
  await perform('carry-out', request, { targets: users.map(withoutWanted) }, settings);
}
