#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command, CommanderError } from 'commander';
import { commandsFor } from './commands.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { packageRoot } from './package-root.ts';

// Keys are made in the thread pool, which has four threads unless it is told otherwise before its first use.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2));
// What this tool writes is for its owner only, unless a file says otherwise.
process.umask(0o077);

async function program(): Promise<Command> {
  const all = new Command('msmq-cert')
    .description(
      'Registers, renews and cleans up MSMQ user certificates in Active Directory, without anybody logging on.',
    )
    .version(version(), '-V, --version')
    .addHelpText('after', `\n${exitCodeHelp()}`);
  for (const command of await commandsFor(process.argv.slice(2), hasConfig())) all.addCommand(command);
  exitWith2OnWrongUsage(all);
  return all;
}

function hasConfig(): boolean {
  const isNamed = process.argv.some((word) => word === '--config' || word.startsWith('--config='));
  return isNamed || Boolean(process.env['MSMQ_CERT_CONFIG']);
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8'));
  return String(version);
}

/** Commander answers wrong usage with exit code 1 by itself; scripts are promised 2. */
function exitWith2OnWrongUsage(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help shows what is possible)');
  for (const each of command.commands) exitWith2OnWrongUsage(each);
}

async function main(): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await (await program()).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else await fail(error);
  }
}

async function fail(error: unknown): Promise<void> {
  const { printFailure } = await import('./output.ts');
  printFailure(error, { json: process.argv.includes('--json'), verbose: process.argv.includes('--verbose') });
}

await main();
