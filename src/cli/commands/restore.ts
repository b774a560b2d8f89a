import type { Command } from 'commander';
import * as z from 'zod';
import { readBackup } from '../../plan/verbs/restore.ts';
import { addExamples } from '../help.ts';
import {
  addDirectoryOptions,
  addOutFolderOption,
  addOutputOptions,
  addShardOption,
  addVerbOptions,
  collect,
  newCommand,
} from '../options.ts';
import { carryOut } from '../running/carry-out.ts';
import { withoutWanted } from '../running/named.ts';
import { keySettingsRecord } from '../running/policies.ts';
import { readSettings, settings } from '../settings.ts';

export function restoreCommand(): Command {
  const command = newCommand('restore')
    .summary('put back what a backup holds')
    .description(
      'Makes both attributes of the users of a backup what the file holds, byte for byte, after it has shown what changes. ' +
        'Certificates that were registered since go only with --yes.',
    )
    .argument('<file>', 'a file made by msmq-cert backup, or another LDIF export with both attributes')
    .option('--user <name>', 'only this user; may be given again', collect);
  addOutFolderOption(command);
  addShardOption(command);
  addVerbOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['restore before.ldif --dry-run', 'show what would change'],
    ['restore all.ldif --user alice', 'one user of many'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    await restore(file, self);
  });
}

const restoreSettings = settings.cleaning.extend({ user: z.array(z.string()).optional() });

export async function restore(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, restoreSettings);
  const request = { verb: 'restore', file, confirmed: options.yes } as const;
  const names = options.user ?? (await usersOf(file));
  const keys = await keySettingsRecord(options);
  const addressed = { targets: names.map(withoutWanted), ...(options.shard && { shard: options.shard }) };
  await carryOut('restore', { request, ...addressed, keys, resume: null, undoes: null }, options);
}

async function usersOf(file: string): Promise<string[]> {
  const { users } = await readBackup(file);
  return users.flatMap(({ names }) => names.slice(0, 1));
}
