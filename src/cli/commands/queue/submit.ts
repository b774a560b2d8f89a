import type { Command } from 'commander';
import { addExamples } from '../../help.ts';
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
    .addCommand(withExamples(registerCommand('queue')))
    .addCommand(withExamples(renewCommand('queue')))
    .addCommand(withExamples(replaceCommand('queue')))
    .addCommand(withExamples(repairCommand('queue')))
    .addCommand(withExamples(pruneCommand('queue')));
}

/** Those of the command itself would carry it out at once. */
function withExamples(command: Command): Command {
  const [what, meaning] = examples[command.name()] ?? [];
  if (what === undefined || meaning === undefined) return command;
  return addExamples(command, [
    [`queue submit ${command.name()} ${what} --database service=msmq --directory ad://corp.example`, meaning],
  ]);
}

const examples: Partial<Record<string, [what: string, meaning: string]>> = {
  register: ['--manifest fleet.csv', 'a whole fleet, shared among all workers'],
  renew: ['--everyone --expiring-within 60d', 'whatever ends within 60 days, in the whole domain'],
  replace: ['--users-from users.txt', 'new certificates for all machines of these users'],
  repair: ['--everyone', 'whoever has certificates and digests that do not agree'],
  prune: ['--everyone --expired', 'what has ended, in the whole domain'],
};
