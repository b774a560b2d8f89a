import type { Command } from 'commander';
import * as z from 'zod';
import { jsonList, type Sequence } from '../../packed/packed-list.ts';
import type { PlanFile } from '../../plan/plan-file.ts';
import type { Target } from '../../plan/request.ts';
import { plannedKeys } from '../../run/key-policy.ts';
import { readPlanFile } from '../../run/planners.ts';
import { addExamples } from '../help.ts';
import { addRunOptions } from '../option-sets.ts';
import { addHandoverOptions, addHookOptions, newCommand } from '../options.ts';
import { carryOut } from '../running/carry-out.ts';
import { handoverRecord } from '../running/handover.ts';
import { readSettings, settings } from '../settings.ts';

export function applyCommand(): Command {
  const command = newCommand('apply')
    .summary('carry out a plan file')
    .description(
      'Carries out exactly what a plan file says. A user that was changed since the plan was made is refused. What would be\n' +
        'refused without a plan, such as too many removals, is refused here too without --yes.',
    )
    .argument('<plan>', 'a file made by msmq-cert plan')
    .option('--replan', 'plan a user anew that was changed since, instead of refusing it')
    .option('--out <dir>', 'folder for the key files', 'msmq-certs');
  addRunOptions(command);
  addHandoverOptions(command);
  addHookOptions(command);
  addExamples(command, [
    ['apply plan.json --dry-run', 'show the plan again, against the users as they stand now'],
    [
      `apply plan.json --key-sink 'gpg -e -r ops@corp.example -o $MSMQ_CERT_DIGEST.gpg && echo $MSMQ_CERT_DIGEST'`,
      'no key files: a command gets each key as JSON on standard input, and prints the digest when it has it',
    ],
    ['apply plan.json --dry-run --ldif change.ldif', 'make the keys and write the change as LDIF for review'],
  ]);
  return command.action(async (file: string, _options, self: Command) => {
    await apply(file, self);
  });
}

const applySettings = settings.run.extend({
  ...settings.handover.shape,
  out: z.string(),
  replan: z.boolean().default(false),
});

/** Carries out a plan file. */
export async function apply(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, applySettings);
  const { targets, planKeys } = targetsOf(file);
  const request = { verb: 'apply', plan: file, replan: options.replan, confirmed: options.yes } as const;
  const keys = await plannedKeys(file, planKeys, { out: options.out, ...(await handoverRecord(options)) });
  const addressed = { targets, ...(options.shard && { shard: options.shard }) };
  await carryOut('apply', { request, ...addressed, keys, resume: null, undoes: null }, options);
}

/** Those of a plan, without the plan: it is read again for what it says of each. */
function targetsOf(file: string): { targets: Sequence<Target>; planKeys: PlanFile['keys'] } {
  const { users, keys } = readPlanFile(file);
  const targets = jsonList<Target>();
  for (const { user, wanted } of users) targets.push({ name: user.sid ?? user.dn, wanted });
  return { targets, planKeys: keys };
}
