import { Command } from 'commander';
import {
  addDirectoryOptions,
  addExamples,
  addMutationOptions,
  addOutFolderOption,
  addOutputOptions,
  addUserListOption,
  collect,
  type Purpose,
  parseCount,
  parseDuration,
} from '../options.ts';
import { pursue } from '../runs/purpose.ts';

export function pruneCommand(purpose: Purpose): Command {
  const command = new Command('prune')
    .summary('remove certificates by policy')
    .description(
      'Removes the certificates that any of the given policies names, and their digests, after it has shown what stays and\n' +
        'what goes. Entries that cannot be read stay, unless --digest names one. Receivers that have accepted a removed\n' +
        'certificate may go on to accept it for about 21 minutes.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--expired', 'those that have expired')
    .option('--superseded', 'those whose machine has a newer sound one: ends an overlap')
    .option('--older-than <duration>', 'with --superseded: the newer one has been valid for this long', parseDuration)
    .option('--machine-gone', 'those whose machine has no computer account any more')
    .option(
      '--machine-inactive <duration>',
      'those whose machine has not logged on for this long; domains note logons every 9 to 14 days',
      parseDuration,
    )
    .option('--machine <name>', 'those of this machine; may be given again', collect)
    .option('--digest <hex>', 'the one with this digest; may be given again', collect)
    .option('--keep-newest <n>', 'all but the newest n of the user, whatever their machines', parseCount)
    .option(
      '--max-removals <n>',
      'without --yes, refuse a user who would lose more than n, or more than half',
      parseCount,
      50,
    )
    .option('--include-computers', 'prune computers and service accounts too, whose queue managers use the attributes');
  addOutFolderOption(command, purpose);
  addUserListOption(command);
  addMutationOptions(command, purpose);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['prune alice --expired --superseded --older-than 30d --dry-run', 'show what would stay and go'],
    ['prune svc-install --machine-gone --yes', 'free an account whose certificates do not fit any more'],
    ['prune alice --machine PC-1', 'a machine that was taken out of service'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { prune } = await import('../runs/clean-up.ts');
    await pursue(purpose, await prune(names, self));
  });
}
