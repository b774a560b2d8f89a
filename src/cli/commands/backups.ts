import { Command } from 'commander';
import {
  addDirectoryOptions,
  addExamples,
  addMutationOptions,
  addOutFolderOption,
  addOutputOptions,
  collect,
} from '../options.ts';

export function backupCommand(): Command {
  const command = new Command('backup')
    .summary('save the certificates of users to a file')
    .description(
      'Writes the exact values of both attributes to an LDIF file, also of a malformed blob. msmq-cert restore puts them back,\n' +
        'and --directory ldif:<file> reads them.',
    )
    .argument('[user...]', 'sAMAccountName, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .option('--all', 'everybody below --base-dn who has certificates')
    .option('--include-computers', 'with --all: computers and service accounts too')
    .requiredOption('--out <file>', 'where to write them; the file must not exist');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['backup alice bob --out before.ldif', 'two users'],
    ['backup --all --out all.ldif', 'a whole domain'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    const { backup } = await import('../backups.ts');
    await backup(names, self);
  });
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .summary('put back what a backup holds')
    .description(
      'Makes both attributes of the users of a backup what the file holds, byte for byte, after it has shown what changes.\n' +
        'Certificates that were registered since go only with --yes.',
    )
    .argument('<file>', 'a file made by msmq-cert backup, or another LDIF export with both attributes')
    .option('--user <name>', 'only this user; may be given again', collect);
  addOutFolderOption(command);
  addMutationOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['restore before.ldif --dry-run', 'show what would change'],
    ['restore all.ldif --user alice', 'one user of many'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    const { restore } = await import('../backups.ts');
    await restore(file, self);
  });
}
