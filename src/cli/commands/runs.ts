import { Command } from 'commander';
import {
  addDirectoryOptions,
  addExamples,
  addHookOptions,
  addMutationOptions,
  addOutputOptions,
  collect,
} from '../options.ts';

export function applyCommand(): Command {
  const command = new Command('apply')
    .summary('carry out a plan file')
    .description(
      'Carries out exactly what a plan file says. A user that was changed since the plan was made is refused.',
    )
    .argument('<plan>', 'a file made by msmq-cert plan')
    .option('--replan', 'plan a user anew that was changed since, instead of refusing it')
    .option('--out <dir>', 'folder for the key files', 'msmq-certs');
  addRunOptions(command);
  addHookOptions(command);
  addExamples(command, [
    ['apply plan.json --dry-run', 'show the plan again, against the users as they stand now'],
    ['apply plan.json --dry-run --ldif change.ldif', 'make the keys and write the change as LDIF for review'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    const { apply } = await import('../runs/runs.ts');
    await apply(file, self);
  });
}

export function resumeCommand(): Command {
  const command = new Command('resume')
    .summary('go on with a run that was cut short')
    .description(
      'Goes on with the run of a journal: what was done is recognised in the directory, keys that were made are used.\n' +
        'The directory and the account are those of the run unless they are given.',
    )
    .argument('<journal>', 'the journal of the run');
  addRunOptions(command);
  addHookOptions(command);
  addExamples(command, [
    ['resume msmq-certs/journal/20260101T120000Z-replace-4711-0123456789abcdef.ndjson', 'finish that run'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    const { resume } = await import('../runs/runs.ts');
    await resume(file, self);
  });
}

export function undoCommand(): Command {
  const command = new Command('undo')
    .summary('put back what a run changed')
    .description(
      'Puts back the exact values from before a run, for every user that still stands as the run left it. The key files\n' +
        'of the run stay where they are.',
    )
    .argument('<journal>', 'the journal of the run')
    .option('--user <name>', 'only this user; may be given again', collect);
  addRunOptions(command);
  addExamples(command, [['undo journal.ndjson --dry-run', 'show what would be put back']]);
  return command.action(async (file: string, _options, self: Command) => {
    const { undo } = await import('../runs/runs.ts');
    await undo(file, self);
  });
}

function addRunOptions(command: Command): void {
  addMutationOptions(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
}
