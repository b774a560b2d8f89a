import type { Command } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import type { PruneRequest } from '../../plan/request.ts';
import { parseDigestPrefix } from '../digests.ts';
import { addExamples } from '../help.ts';
import { addCleaningOptions } from '../option-sets.ts';
import { collect, newCommand, type Purpose, parseCount, parseDuration } from '../options.ts';
import { perform } from '../running/carry-out.ts';
import { chosenUsers } from '../running/chosen-users.ts';
import { parseMachines } from '../running/named.ts';
import { readSettings, settings } from '../settings.ts';

export function pruneCommand(purpose: Purpose): Command {
  const command = newCommand('prune')
    .summary('remove certificates by policy')
    .description(
      'Removes the certificates that any of the given policies names, and their digests, after it has shown what stays and ' +
        'what goes. Entries that cannot be read stay, unless --digest names one. Receivers that have accepted a removed ' +
        'certificate may go on to accept it for about 21 minutes.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--expired', 'those that have expired')
    .option('--superseded', 'those whose machine has a newer sound one: ends an overlap')
    .option('--older-than <duration>', 'with --superseded: the newer one has been valid for this long', parseDuration)
    .option(
      '--machine-gone',
      'those whose machine has no computer account any more; needs --yes when more than a quarter of them have none',
    )
    .option(
      '--machine-inactive <duration>',
      'those whose machine has not logged on for this long; domains note logons every 9 to 14 days',
      parseDuration,
    )
    .option('--machine <name>', 'those of this machine; may be given again', collect)
    .option(
      '--digest <hex>',
      'the one with this digest, or its first 6 digits or more for one user; may be given again',
      collect,
    )
    .option('--keep-newest <n>', 'all but the newest n of the user, whatever their machines', parseCount)
    .option(
      '--max-removals <n>',
      'without --yes, refuse a user who would lose more than n, or more than half',
      parseCount,
      50,
    )
    .option('--include-computers', 'prune computers and service accounts too, whose queue managers use the attributes');
  addCleaningOptions(command, purpose, 'or-everyone');
  addExamples(command, [
    ['prune alice --expired --superseded --older-than 30d --dry-run', 'show what would stay and go'],
    ['prune svc-install --machine-gone --yes', 'free an account whose certificates do not fit any more'],
    ['prune alice --machine PC-1', 'a machine that was taken out of service'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await prune(names, self, purpose);
  });
}

const pruneSettings = settings.cleaning.extend({
  expired: z.boolean().default(false),
  superseded: z.boolean().default(false),
  olderThan: z.number().optional(),
  machineGone: z.boolean().default(false),
  machineInactive: z.number().optional(),
  machine: z.array(z.string()).default([]),
  digest: z.array(z.string()).default([]),
  keepNewest: z.number().optional(),
  maxRemovals: z.number(),
  includeComputers: z.boolean().default(false),
});

async function prune(names: readonly string[], command: Command, purpose: Purpose): Promise<void> {
  const options = await readSettings(command, pruneSettings);
  requirePolicy(options);
  const chosen = await chosenUsers(names, options);
  const digests = digestsFor(chosen.everyone === undefined ? chosen.targets.length : null, options.digest);
  const request: PruneRequest = {
    verb: 'prune',
    expired: options.expired,
    supersededForMs: options.superseded ? (options.olderThan ?? 0) : null,
    machineGone: options.machineGone,
    machineInactiveMs: options.machineInactive ?? null,
    machines: parseMachines(options.machine),
    digests,
    keepNewest: options.keepNewest ?? null,
    maxRemovals: options.maxRemovals,
    confirmed: options.yes,
    includeComputers: options.includeComputers,
  };
  await perform(purpose, request, chosen, options);
}

/**
 * What is unique with one user may mean another certificate of the next.
 * @param users null for everyone
 */
function digestsFor(users: number | null, texts: readonly string[]): string[] {
  const digests = [...new Set(texts.map(parseDigestPrefix))];
  const short = digests.find((digest) => digest.length < 32);
  if (users === 1 || short === undefined) return digests;
  throw new MsmqCertError('usage', `the digest ${short} is cut short, and more than one user is meant`, {
    hint: 'give all 32 digits, as list prints them',
  });
}

function requirePolicy(options: z.infer<typeof pruneSettings>): void {
  const { expired, superseded, olderThan, machineGone, machineInactive, machine, digest, keepNewest } = options;
  if (olderThan !== undefined && !superseded) {
    throw new MsmqCertError('usage', '--older-than is given without --superseded', {
      hint: 'it says for how long the newer certificate must have been valid',
    });
  }
  const counts = [machineInactive, keepNewest].some((each) => each !== undefined);
  if (expired || superseded || machineGone || counts || machine.length + digest.length > 0) return;
  throw new MsmqCertError('usage', 'prune needs to know which certificates', {
    hint: 'give --expired, --superseded, --machine-gone, --machine-inactive, --machine, --digest or --keep-newest',
  });
}
