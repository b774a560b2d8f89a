import type { Command } from 'commander';
import { newCommand } from '../../options.ts';
import { pruneCommand } from '../prune.ts';
import { registerCommand } from '../register.ts';
import { renewCommand } from '../renew.ts';
import { repairCommand } from '../repair.ts';
import { replaceCommand } from '../replace.ts';

export function submitCommand(): Command {
  return newCommand('submit')
    .summary('put a run into the queue')
    .description(
      'Puts what a command would do into the queue, a job a user, and prints the id of the run. No job holds a password, a ' +
        'key or a passphrase: workers make the keys, and say where they go.',
    )
    .addCommand(registerCommand('queue'))
    .addCommand(renewCommand('queue'))
    .addCommand(replaceCommand('queue'))
    .addCommand(repairCommand('queue'))
    .addCommand(pruneCommand('queue'));
}
