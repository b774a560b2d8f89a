import type { Command } from 'commander';
import * as z from 'zod';
import { initQueue } from '../../../queue/init.ts';
import { grants } from '../../../queue/tables.ts';
import { exitCodes } from '../../exit-codes.ts';
import { addExamples } from '../../help.ts';
import { addDatabaseOption, addOutputOptions, collect, newCommand } from '../../options.ts';
import { printResult } from '../../output.ts';
import { withQueue } from '../../queue/open.ts';
import { readSettings, settings } from '../../settings.ts';

export function initCommand(): Command {
  const command = newCommand('init')
    .summary('make the tables of the queue')
    .description(
      'Makes the tables of the queue in a database, or brings them up to date, and prints the rights that those who submit ' +
        'and those who work need. Somebody who may create schemas there runs it once; nothing is lost when it runs again.',
    )
    .requiredOption('--domain <name>', 'DNS name of the domain; may be given again', collect)
    .option('--submitter-role <role>', 'the role in PostgreSQL of those who submit', 'msmq_submitter')
    .option('--worker-role <role>', 'the role of the workers, and of those who cancel and retry', 'msmq_worker');
  addDatabaseOption(command);
  addOutputOptions(command);
  addExamples(command, [
    ['queue init --domain corp.example --database postgres://postgres@db1.corp.example/msmq', 'once for a domain'],
  ]);
  return command.action(async (_options, self: Command) => {
    await init(self);
  });
}

const initSettings = settings.output.extend({
  database: z.string().optional(),
  domain: z.array(z.string()),
  submitterRole: z.string(),
  workerRole: z.string(),
});

async function init(command: Command): Promise<void> {
  const options = await readSettings(command, initSettings);
  const domains = options.domain.map((each) => each.toLowerCase());
  await withQueue(options, { kind: 'administer' }, (queue) => initQueue(queue, domains));
  const sql = grants(options.submitterRole, options.workerRole);
  printResult(
    {
      exitCode: exitCodes.done,
      json: { schema: 1, command: 'queue init', domains, grants: sql },
      lines: [
        `the queue is ready for ${domains.join(', ')}`,
        '',
        '-- the rights of its two roles, to be run by the owner of the database:',
        ...sql,
      ],
    },
    options,
  );
}
