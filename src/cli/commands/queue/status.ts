import type { Command } from 'commander';
import * as z from 'zod';
import { readRun, readRuns } from '../../../queue/runs.ts';
import { liveWorkers, runStatus } from '../../../queue/status.ts';
import { exitCodes } from '../../exit-codes.ts';
import { addExamples } from '../../help.ts';
import { addDatabaseOption, addOutputOptions, newCommand, parseCount } from '../../options.ts';
import { printResult } from '../../output.ts';
import { withQueue } from '../../queue/open.ts';
import { runJson, runLines, runsTable, workersJson, workersLines } from '../../queue/status-text.ts';
import { readSettings, settings } from '../../settings.ts';

export function statusCommand(): Command {
  const command = newCommand('status')
    .summary('show how far runs are')
    .description('Shows how far a run is and which workers are alive; without a run, the newest runs.')
    .argument('[run]', 'the id that queue submit printed')
    .option('--limit <n>', 'without a run: so many of the newest', parseCount, 10);
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [['queue status --database service=msmq', 'the newest runs, and how far they are']]);
  return command.action(async (run: string | undefined, _options, self: Command) => {
    await status(run, self);
  });
}

const statusSettings = settings.output.extend({ database: z.string().optional(), limit: z.number() });

async function status(id: string | undefined, command: Command): Promise<void> {
  const options = await readSettings(command, statusSettings);
  await withQueue(options, { kind: 'use' }, async (queue) => {
    if (id === undefined) {
      const runs = await readRuns(queue, options.limit);
      const statuses = await Promise.all(runs.map(async (run) => ({ run, status: await runStatus(queue, run) })));
      const json = {
        schema: 1,
        command: 'queue status',
        runs: statuses.map(({ run, status: of }) => runJson(run, of)),
      };
      printResult({ exitCode: exitCodes.done, json, lines: runsTable(statuses) }, options);
      return;
    }
    const run = await readRun(queue, id);
    const of = await runStatus(queue, run);
    const workers = await liveWorkers(queue, run.domain);
    printResult(
      {
        exitCode: exitCodes.done,
        json: { schema: 1, command: 'queue status', ...runJson(run, of), workers: workersJson(workers) },
        lines: [...runLines(run, of), '', ...workersLines(workers)],
      },
      options,
    );
  });
}
