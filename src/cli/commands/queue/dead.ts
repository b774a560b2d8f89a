import type { Command } from 'commander';
import * as z from 'zod';
import { counted } from '../../../counted.ts';
import { MsmqCertError } from '../../../errors.ts';
import { retryDead } from '../../../queue/decide.ts';
import { domainsOf } from '../../../queue/init.ts';
import type { Queue } from '../../../queue/queue.ts';
import { readRun } from '../../../queue/runs.ts';
import { deadJobs } from '../../../queue/status.ts';
import { exitCodes } from '../../exit-codes.ts';
import { addExamples } from '../../help.ts';
import { addDatabaseOption, addOutputOptions, newCommand, parseCount } from '../../options.ts';
import { printResult } from '../../output.ts';
import { withQueue } from '../../queue/open.ts';
import { table } from '../../render/table.ts';
import { readSettings, settings } from '../../settings.ts';

export function deadCommand(): Command {
  return newCommand('dead')
    .summary('see to jobs that failed for good')
    .description(
      'Jobs that failed in a way that does not pass by itself, or too often, wait here until somebody sees to them.',
    )
    .addCommand(listCommand())
    .addCommand(retryCommand());
}

function listCommand(): Command {
  const command = newCommand('list')
    .summary('show who failed, and why')
    .description('Shows the users whose jobs failed for good, and why.')
    .option('--run <id>', 'of this run only')
    .option('--limit <n>', 'at most so many', parseCount, 1000);
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [['queue dead list --database service=msmq', 'everybody whose job failed for good']]);
  return command.action(async (_options, self: Command) => {
    await list(self);
  });
}

function retryCommand(): Command {
  const command = newCommand('retry')
    .summary('put them back into the queue')
    .description('Puts jobs that failed for good back into the queue, after what made them fail was put right.')
    .argument('[id...]', 'jobs, as dead list shows them; else all of --run, or with --all all there are')
    .option('--run <id>', 'all of this run')
    .option('--all', 'all there are');
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [['queue dead retry --all --database service=msmq', 'try everybody again']]);
  return command.action(async (ids: string[], _options, self: Command) => {
    await retry(ids, self);
  });
}

const listSettings = settings.output.extend({
  database: z.string().optional(),
  run: z.string().optional(),
  limit: z.number(),
});

async function list(command: Command): Promise<void> {
  const options = await readSettings(command, listSettings);
  const { run = null, limit } = options;
  const jobs = await withQueue(options, { kind: 'use' }, async (queue) => {
    const found = await Promise.all(
      (await domainsFor(queue, run)).map((domain) => deadJobs(queue, domain, run, limit)),
    );
    return found.flat();
  });
  printResult(
    {
      exitCode: exitCodes.done,
      json: { schema: 1, command: 'queue dead list', jobs: jobs.map((job) => ({ ...job, at: job.at.toISOString() })) },
      lines:
        jobs.length === 0
          ? ['no job failed for good']
          : table(
              jobs.map(({ id, account, error, attempts }) => [
                id,
                account,
                error.code,
                `tries: ${attempts}`,
                error.message,
              ]),
            ),
    },
    options,
  );
}

const retrySettings = settings.output.extend({
  database: z.string().optional(),
  run: z.string().optional(),
  all: z.boolean().default(false),
});

async function retry(ids: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, retrySettings);
  const { run = null, all } = options;
  if (ids.length === 0 && run === null && !all) {
    throw new MsmqCertError('usage', 'dead retry needs to know which jobs', {
      hint: 'give ids as queue dead list shows them, --run, or --all',
    });
  }
  for (const id of ids) requireJobId(id);
  const chosen = { run, ids: ids.length === 0 ? null : ids };
  const moved = await withQueue(options, { kind: 'use' }, async (queue) => {
    let count = 0;
    for (const domain of await domainsFor(queue, run)) count += await retryDead(queue, domain, chosen);
    return count;
  });
  printResult(
    {
      exitCode: exitCodes.done,
      json: { schema: 1, command: 'queue dead retry', jobs: moved },
      lines: [`${counted(moved, 'job')} put back into the queue`],
    },
    options,
  );
}

/** @throws MsmqCertError run-not-found */
async function domainsFor(queue: Queue, run: string | null): Promise<string[]> {
  return run === null ? await domainsOf(queue) : [(await readRun(queue, run)).domain];
}

function requireJobId(id: string): void {
  if (z.uuid().safeParse(id).success) return;
  throw new MsmqCertError('usage', `"${id}" is no id of a job`, { hint: 'give it as queue dead list shows it' });
}
