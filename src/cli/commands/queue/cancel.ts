import type { Command } from 'commander';
import * as z from 'zod';
import { counted } from '../../../counted.ts';
import { cancelRun } from '../../../queue/decide.ts';
import { readRun } from '../../../queue/runs.ts';
import { exitCodes } from '../../exit-codes.ts';
import { addExamples } from '../../help.ts';
import { addDatabaseOption, addOutputOptions, newCommand } from '../../options.ts';
import { printResult } from '../../output.ts';
import { withQueue } from '../../queue/open.ts';
import { readSettings, settings } from '../../settings.ts';

export function cancelCommand(): Command {
  const command = newCommand('cancel')
    .summary('take a run out of the queue')
    .description(
      'Takes what waits of a run out of the queue. Users who are under way are finished; what is done stays done, and ' +
        'msmq-cert undo --run puts it back.',
    )
    .argument('<run>', 'the id that queue submit printed');
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [
    ['queue cancel 0f1e2d3c-4b5a-4697-8879-6a5b4c3d2e1f --database service=msmq', 'nobody is begun any more'],
  ]);
  return command.action(async (run: string, _options, self: Command) => {
    await cancel(run, self);
  });
}

const cancelSettings = settings.output.extend({ database: z.string().optional() });

async function cancel(id: string, command: Command): Promise<void> {
  const options = await readSettings(command, cancelSettings);
  const left = await withQueue(options, { kind: 'use' }, async (queue) => cancelRun(queue, await readRun(queue, id)));
  printResult(
    {
      exitCode: exitCodes.done,
      json: { schema: 1, command: 'queue cancel', run: id, cancelled: left },
      lines: [`${counted(left, 'user')} taken out of the queue; who is under way is finished`],
    },
    options,
  );
}
