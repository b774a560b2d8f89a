import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { packageVersion } from '../package-root.ts';
import type { OutputSettings } from '../settings.ts';

export function versionCommand(): Command {
  const command = newCommand('version')
    .summary('print the version')
    .description('Prints the version of this tool; with --json that of Node.js and the platform too.');
  addOutputOptions(command);
  addExamples(command, [['version --json', 'what a report of a problem should have']]);
  return command.action(async (_options, self: Command) => {
    await version(self);
  });
}

async function version(command: Command): Promise<void> {
  const { version: node, platform, arch } = process;
  const json = { schema: 1, version: packageVersion(), node: node.slice(1), platform, arch };
  printResult({ exitCode: exitCodes.done, json, lines: [json.version] }, await outputOf(command));
}

/** Checking options takes a library that takes longer than the rest: only a configuration file can say something wrong. */
async function outputOf(command: Command): Promise<OutputSettings> {
  const { config, profile, ...flags } = command.opts<Partial<OutputSettings> & { config?: string; profile?: string }>();
  if (config === undefined && profile === undefined)
    return { json: false, quiet: false, verbose: false, progress: true, ...flags };
  const { readSettings, settings } = await import('../settings.ts');
  return await readSettings(command, settings.output);
}
