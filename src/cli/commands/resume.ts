import type { Command } from 'commander';
import { MsmqCertError } from '../../errors.ts';
import { readForResume } from '../../journal/find.ts';
import { addExamples } from '../help.ts';
import { addHookOptions, addRunOptions, newCommand } from '../options.ts';
import { carryOut } from '../running/carry-out.ts';
import { sameDirectory } from '../running/same-directory.ts';
import { readSettings, settings } from '../settings.ts';

export function resumeCommand(): Command {
  const command = newCommand('resume')
    .summary('go on with a run that was cut short')
    .description(
      'Goes on with the run of a journal: what was done is recognised in the directory, keys that were made are used. ' +
        'The directory and the account are those of the run unless they are given.',
    )
    .argument('<journal>', 'the journal of the run');
  addRunOptions(command);
  addHookOptions(command);
  addExamples(command, [
    ['resume msmq-certs/journal/20260101T120000Z-replace-4711-0123456789abcdef.ndjson', 'finish that run'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    await resume(file, self);
  });
}

/** Goes on with a run that was cut short, or had failures. */
export async function resume(file: string, command: Command): Promise<void> {
  const given = await readSettings(command, settings.mutation);
  const history = await readForResume(file);
  if (!history.complete) {
    throw new MsmqCertError('invalid-journal', `the run of ${file} was cut short before it began to write`, {
      hint: 'nothing was changed by it; run its command again',
    });
  }
  const { request, keys } = history.run;
  await carryOut(
    request.verb,
    { request, targets: history.targets, keys, resume: { path: file, history } },
    sameDirectory(given, history.run),
  );
}
