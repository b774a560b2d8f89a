#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Command, CommanderError } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { backupCommand, restoreCommand } from './commands/backups.ts';
import { blobCommand } from './commands/blob.ts';
import { checkCommand } from './commands/check.ts';
import { clearCommand } from './commands/clear.ts';
import { explainCommand, verifyCommand } from './commands/diagnoses.ts';
import { loginCommand, logoutCommand, whoamiCommand } from './commands/identity.ts';
import { listCommand } from './commands/list.ts';
import { planCommand } from './commands/plan.ts';
import { pruneCommand } from './commands/prune.ts';
import { registerCommand } from './commands/register.ts';
import { renewCommand } from './commands/renew.ts';
import { repairCommand } from './commands/repair.ts';
import { replaceCommand } from './commands/replace.ts';
import { replicationCommand } from './commands/replication.ts';
import { applyCommand, resumeCommand, undoCommand } from './commands/runs.ts';
import { showCommand } from './commands/show.ts';
import { packageRoot } from './package-root.ts';

// Keys are made in the thread pool, which has four threads unless it is told otherwise before its first use.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2));
// What this tool writes is for its owner only, unless a file says otherwise.
process.umask(0o077);

const program = new Command('msmq-cert')
  .description(
    'Registers, renews and cleans up MSMQ user certificates in Active Directory, without anybody logging on.',
  )
  .version(version(), '-V, --version')
  .addCommand(registerCommand('carry-out'))
  .addCommand(renewCommand('carry-out'))
  .addCommand(replaceCommand('carry-out'))
  .addCommand(repairCommand())
  .addCommand(pruneCommand('carry-out'))
  .addCommand(clearCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(planCommand())
  .addCommand(applyCommand())
  .addCommand(resumeCommand())
  .addCommand(undoCommand())
  .addCommand(auditCommand())
  .addCommand(verifyCommand())
  .addCommand(explainCommand())
  .addCommand(listCommand())
  .addCommand(showCommand())
  .addCommand(checkCommand())
  .addCommand(replicationCommand())
  .addCommand(loginCommand())
  .addCommand(logoutCommand())
  .addCommand(whoamiCommand())
  .addCommand(blobCommand())
  .addHelpText('after', `\n${exitCodeHelp()}`);

function exitCodeHelp(): string {
  return [
    'Exit codes:',
    '  0  done, also when there was nothing to do',
    '  1  some items failed',
    '  2  wrong usage or configuration',
    '  3  the directory is not reachable, or refused the bind',
    '  4  refused by a guard: capacity, malformed blob, missing --yes, too many removals',
    '  5  a conflict with other writers was not resolved after the retries',
    '  10 with --detailed-exitcode only: something was changed, or with --dry-run would be',
  ].join('\n');
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
  exitWith2OnWrongUsage(program);
  try {
    await program.parseAsync();
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
