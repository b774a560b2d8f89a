import type { Command } from 'commander';
import * as z from 'zod';
import { uninstall as uninstallKey } from '../../machine/install.ts';
import { thumbprintOf } from '../../machine/pfx.ts';
import { parseDigest } from '../digests.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { thisMachine } from '../machine.ts';
import { addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { readSettings, settings } from '../settings.ts';

export function uninstallCommand(): Command {
  const command = newCommand('uninstall')
    .summary('take a key away from where MSMQ signs (Windows)')
    .description(
      "Takes a certificate and its key out of the user's personal store. What is registered in the directory stays; prune " +
        'removes that.',
    )
    .requiredOption('--digest <hex>', 'the digest, as installed prints it')
    .option('--yes', 'also a key that msmq-cert did not put there');
  addOutputOptions(command);
  addExamples(command, [['uninstall --digest 40be3a77192523089faf95795a5be520', 'key and certificate']]);
  return command.action(async (_options, self: Command) => {
    await uninstall(self);
  });
}

const uninstallSettings = settings.output.extend({ digest: z.string(), yes: z.boolean().default(false) });

async function uninstall(command: Command): Promise<void> {
  const options = await readSettings(command, uninstallSettings);
  const digest = parseDigest(options.digest);
  const { calls } = await thisMachine('uninstall');
  const thumbprint = thumbprintOf(uninstallKey(calls, digest, options.yes));
  const json = { schema: 1, command: 'uninstall', changed: true, digest, thumbprint };
  printResult({ exitCode: exitCodes.done, json, lines: [`removed ${digest} and its key`] }, options);
}
