import type { Command } from 'commander';
import { newCommand } from '../options.ts';
import { cancelCommand } from './queue/cancel.ts';
import { deadCommand } from './queue/dead.ts';
import { initCommand } from './queue/init.ts';
import { statusCommand } from './queue/status.ts';
import { submitCommand } from './queue/submit.ts';
import { workCommand } from './queue/work.ts';

export function queueCommand(): Command {
  return newCommand('queue')
    .summary('share a run among many machines')
    .description(
      'Puts what register, renew, replace, repair or prune would do into a queue in PostgreSQL, a job a user, and lets any ' +
        'number of workers on Linux and Windows carry it out. It needs the npm packages pg-boss, pg and rate-limiter-flexible.',
    )
    .addCommand(initCommand())
    .addCommand(submitCommand())
    .addCommand(workCommand())
    .addCommand(statusCommand())
    .addCommand(deadCommand())
    .addCommand(cancelCommand());
}
