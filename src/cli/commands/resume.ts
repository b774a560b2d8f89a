import type { Command } from 'commander';
import { MsmqCertError } from '../../errors.ts';
import { readNamed } from '../../journal/find.ts';
import { isFinished, type JournalHistory } from '../../journal/read.ts';
import { emptySummary } from '../../plan/results.ts';
import { addExamples } from '../help.ts';
import { addRunOptions } from '../option-sets.ts';
import { addHookOptions, newCommand } from '../options.ts';
import { runReport } from '../render/run-report.ts';
import { carryOut } from '../running/carry-out.ts';
import { refuseShard } from '../running/refuse-shard.ts';
import { sameDirectory } from '../running/same-directory.ts';
import { type RunSettings, readSettings, settings } from '../settings.ts';
import { tell } from '../terminal.ts';

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
    ['resume msmq-certs/journal/20260101T120000000Z-replace-0f1e2d3c-0123456789abcdef.ndjson', 'finish that run'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    await resume(file, self);
  });
}

/** Goes on with a run that was cut short, or had failures. */
export async function resume(file: string, command: Command): Promise<void> {
  const given = await readSettings(command, settings.run);
  refuseShard(given);
  const history = await readNamed(file);
  if (!history.complete) {
    throw new MsmqCertError('invalid-journal', `the run of ${file} was cut short before it began to write`, {
      hint: 'nothing was changed by it; run its command again',
    });
  }
  if (history.run.queued !== undefined) throw ofWorker(file, history.run.queued);
  if (isFinished(history)) {
    tellFinished(file, history, given);
    return;
  }
  const { request, keys, everyone, shard } = history.run;
  await carryOut(
    request.verb,
    {
      request,
      targets: history.targets,
      ...(everyone && { everyone }),
      ...(shard && { shard }),
      keys,
      resume: file,
      undoes: null,
    },
    sameDirectory(given, history.run),
  );
}

function ofWorker(file: string, run: string): MsmqCertError {
  return new MsmqCertError('usage', `${file} is what one worker did for the run ${run} of a queue`, {
    hint: 'msmq-cert queue work with the same --out goes on with it',
  });
}

function tellFinished(file: string, { run, undone }: JournalHistory, settings: RunSettings): void {
  const why = undone ? 'was undone' : 'has come to its end';
  if (!settings.quiet) tell(`the run of ${file} ${why}: there is nothing to do`);
  const outcome = { summary: emptySummary(), remaining: 0, stoppedBy: null };
  const end = { outcome, journal: file, replication: [], keys: { out: run.keys.out, journal: null } };
  process.exitCode = runReport(run.request.verb, settings).finish(end);
}
