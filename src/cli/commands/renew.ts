import { type Command, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import type { RenewScope } from '../../plan/verbs/renew.ts';
import { addExamples } from '../help.ts';
import { addIssuingOptions, addReplacingOptions } from '../option-sets.ts';
import { addEveryoneOptions, newCommand, type Purpose, parseDuration } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { chosenUsers } from '../running/chosen-users.ts';
import { chosenMachines } from '../running/named.ts';
import { readSettings, settings } from '../settings.ts';

export function renewCommand(purpose: Purpose): Command {
  const command = newCommand('renew')
    .summary('renew broken or ending certificates')
    .description('Gives the machines in scope a new key and certificate and drops the old ones, in one write a user.')
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .addOption(new Option('--broken', 'those no receiver can accept: see list for the findings').conflicts('all'))
    .addOption(
      new Option('--expiring-within <duration>', 'those that end within this time, and the expired ones')
        .argParser(parseDuration)
        .conflicts('all'),
    )
    .option('--all', 'every certificate that names a machine');
  addReplacingOptions(command, 'keep the old certificate next to the new one until it is pruned');
  addEveryoneOptions(command);
  addIssuingOptions(command, purpose);
  addExamples(command, [
    ['renew alice --broken --dry-run', 'show what is broken and would be replaced'],
    [
      'renew --users-from users.txt --expiring-within 30d --overlap',
      'renew in time, while running programs keep the old one',
    ],
    [
      'renew --everyone --broken --expiring-within 30d --limit 500',
      'what a timer calls every night: msmq-cert schedule prints one',
    ],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await renew(names, self, purpose);
  });
}

const renewSettings = settings.replacing.extend({
  broken: z.boolean().default(false),
  expiringWithin: z.number().optional(),
  all: z.boolean().default(false),
});

async function renew(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, renewSettings);
  const scope = renewScope(options);
  const machines = chosenMachines(options.machine);
  const chosen = await chosenUsers(names, options);
  const request = { verb: 'renew', scope, machines, overlap: options.overlap, retire: options.retire } as const;
  await perform(purpose, request, chosen, options);
}

function renewScope({ broken, expiringWithin, all }: z.infer<typeof renewSettings>): RenewScope {
  if (expiringWithin !== undefined) {
    const kind = broken ? 'broken-or-expiring' : 'expiring';
    return { kind, withinMs: expiringWithin, nowMs: Date.now() };
  }
  if (broken) return { kind: 'broken' };
  if (all) return { kind: 'all' };
  throw new MsmqCertError('usage', 'renew needs to know which certificates', {
    hint: 'give --broken, --expiring-within <duration> or --all',
  });
}
