import type { Command } from 'commander';
import { newCommand } from '../options.ts';
import { pruneCommand } from './prune.ts';
import { registerCommand } from './register.ts';
import { renewCommand } from './renew.ts';
import { replaceCommand } from './replace.ts';

export function planCommand(): Command {
  return newCommand('plan')
    .summary('write what a command would do to a file')
    .description(
      'Writes what register, renew, replace or prune would do to a file that people can read and msmq-cert apply carries out. ' +
        'The file holds no secret; the keys are made when it is applied.',
    )
    .addCommand(registerCommand('plan'))
    .addCommand(renewCommand('plan'))
    .addCommand(replaceCommand('plan'))
    .addCommand(pruneCommand('plan'));
}
