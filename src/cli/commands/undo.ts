import { type Command, Option } from 'commander';
import * as z from 'zod';
import { MsmqCertError } from '../../errors.ts';
import { readNamed } from '../../journal/find.ts';
import type { JournalHistory } from '../../journal/read.ts';
import { mayBeWritten } from '../../journal/users.ts';
import { addExamples } from '../help.ts';
import { addRunOptions } from '../option-sets.ts';
import { addDatabaseOption, collect, newCommand } from '../options.ts';
import { undoRun } from '../queue/undo.ts';
import { carryOut } from '../running/carry-out.ts';
import { withoutWanted } from '../running/named.ts';
import { refuseShard } from '../running/refuse-shard.ts';
import { sameDirectory } from '../running/same-directory.ts';
import { readSettings, settings } from '../settings.ts';

export function undoCommand(): Command {
  const command = newCommand('undo')
    .summary('put back what a run changed')
    .description(
      'Puts back the exact values from before a run, for every user that still stands as the run left it. The key files ' +
        'of the run stay where they are: msmq-cert keys lists and removes them.',
    )
    .argument('[journal]', 'the journal of the run')
    .option('--user <name>', 'only this user; may be given again', collect)
    .addOption(new Option('--run <id>', 'a whole run of the queue, by its workers').conflicts('user'));
  addRunOptions(command);
  addDatabaseOption(command);
  addExamples(command, [['undo journal.ndjson --dry-run', 'show what would be put back']]);
  return command.action(async (file: string | undefined, _options, self: Command) => {
    await undo(file, self);
  });
}

const undoSettings = settings.run.extend({ user: z.array(z.string()).optional(), run: z.string().optional() });

/** Puts back what a run found. */
export async function undo(file: string | undefined, command: Command): Promise<void> {
  const given = await readSettings(command, undoSettings);
  if (file === undefined && given.run !== undefined) return await undoRun(given.run, given);
  if (file === undefined || given.run !== undefined) throw oneOfThem(file, given.run);
  refuseShard(given);
  const history = await readNamed(file);
  const request = { verb: 'undo', journal: file } as const;
  const targets = given.user?.map(withoutWanted) ?? writtenUsers(history).map(withoutWanted);
  // it makes no keys, and the recipient may have expired
  const { handover: _ofNewKeys, ...keys } = history.run.keys;
  await carryOut(
    'undo',
    { request, targets, keys, resume: null, undoes: { path: file, history } },
    sameDirectory(given, history.run),
  );
}

function writtenUsers({ users }: JournalHistory): string[] {
  return [...users.values()].flatMap((user) => (mayBeWritten(user) && user.name !== null ? [user.name] : []));
}

function oneOfThem(file: string | undefined, run: string | undefined): MsmqCertError {
  const message =
    file === undefined
      ? 'undo needs to know which run'
      : `the journal ${file} is given, and the run ${run} of the queue`;
  return new MsmqCertError('usage', message, {
    hint: 'give the journal of a run, or --run with the id of one in the queue',
  });
}
