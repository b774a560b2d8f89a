import type { Command } from 'commander';
import * as z from 'zod';
import { type CheckRequest, check as runChecks } from '../../directory/active-directory/check/check.ts';
import type { Check, CheckName, Report } from '../../directory/active-directory/check/checks.ts';
import type { Delegation } from '../../directory/active-directory/rights/delegation.ts';
import { MsmqCertError } from '../../errors.ts';
import { checkMachine } from '../../machine/checks.ts';
import { requireWindows, windowsCalls } from '../../native/windows/calls.ts';
import { shardSchema } from '../../plan/request.ts';
import { accessOptions } from '../access/access.ts';
import { findServers, requireServer } from '../access/servers.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, newCommand, shardOption } from '../options.ts';
import { printResult } from '../output.ts';
import { colours } from '../render/colours.ts';
import { readSettings, settings } from '../settings.ts';
import { print } from '../terminal.ts';

export function checkCommand(): Command {
  const command = newCommand('check')
    .summary('check the connection, the server and the rights beforehand')
    .description(
      'Checks everything that registering depends on and changes nothing: names, TLS, the bind, the schema, the clock, and ' +
        'for each user what this account may read and write. On Windows also what signing depends on. Failures end with exit code 1, those of the connection with 3.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .addOption(shardOption())
    .option('--local', 'only this machine, where messages are sent, and this account (Windows)')
    .option('--delegation <group>', 'print how to give this group the right to write both attributes')
    .option('--ou <dn>', 'of the users below this container');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['check alice --directory ad://corp.example --bind CORP\\provisioner', 'before the first registration'],
    [
      'check --delegation "MSMQ Provisioners" --ou OU=Branches,DC=corp,DC=example',
      'the exact rights that an administrator has to grant',
    ],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await check(names, self);
  });
}

const checkSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  shard: shardSchema.optional(),
  local: z.boolean().default(false),
  delegation: z.string().optional(),
  ou: z.string().optional(),
});

/** What a check prints is printed when it is made, so that a step that hangs can be seen. */
export async function check(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, checkSettings);
  if (options.local) requireWindows('check --local');
  else requireServer(options);
  const delegation = wantedDelegation(options);
  const users =
    names.length > 0 || options.usersFrom !== undefined ? await readUserNames(names, options.usersFrom) : [];
  if (options.local && (users.length > 0 || delegation !== null)) throw localAlone();
  const checks: Check[] = [];
  const report = (each: Check) => {
    checks.push(each);
    if (!options.json && !options.quiet) print(checkLines(each));
  };
  if (process.platform === 'win32') await checkMachine(await windowsCalls(), report);
  const granted = options.local
    ? null
    : await checkDirectory(options, { users, shard: options.shard ?? null, delegation }, report);
  const json = { schema: 1, checks, ...(delegation !== null && { delegation: granted }) };
  const lines = granted === null ? [] : delegationLines(granted);
  printResult({ exitCode: exitCodeOf(checks), json, lines }, options);
}

async function checkDirectory(
  options: z.infer<typeof checkSettings>,
  request: Pick<CheckRequest, 'users' | 'shard' | 'delegation'>,
  report: Report,
): Promise<Delegation | null> {
  const target = { access: await accessOptions(options), servers: () => findServers(options) };
  return await runChecks(target, { ...request, maxCertificates: options.maxCertificates }, report);
}

function localAlone(): MsmqCertError {
  return new MsmqCertError('usage', '--local is given, and users or a delegation besides', {
    hint: 'leave --local out to check the directory too',
  });
}

function wantedDelegation({ delegation, ou }: z.infer<typeof checkSettings>): { group: string; ou: string } | null {
  if (delegation === undefined && ou === undefined) return null;
  if (delegation !== undefined && ou !== undefined) return { group: delegation, ou };
  throw new MsmqCertError('usage', 'a delegation needs both a group and a container', {
    hint: 'give --delegation <group> and --ou <distinguished name>',
  });
}

const statusColour = { ok: colours.green, warning: colours.yellow, failed: colours.red };

function checkLines({ name, status, message, hint }: Check): string[] {
  const line = `${statusColour[status](status.padEnd(7))}  ${name.padEnd(17)}  ${message}`;
  return hint === null ? [line] : [line, `${' '.repeat(28)}${colours.dim('hint')}: ${hint}`];
}

function delegationLines({ trustee, ou, dsacls, sambaTool }: Delegation): string[] {
  return [
    '',
    `To let ${trustee} write both attributes of the users below ${ou}, and nothing else, an administrator runs:`,
    '',
    '  in a Windows command prompt:',
    `    ${dsacls}`,
    '  on a Samba domain controller:',
    `    ${sambaTool}`,
  ];
}

const CONNECTION: readonly CheckName[] = ['discovery', 'name-resolution', 'connection', 'tls', 'bind'];

function exitCodeOf(checks: readonly Check[]): ExitCode {
  const failed = checks.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return exitCodes.done;
  return failed.some(({ name }) => CONNECTION.includes(name)) ? exitCodes.noDirectory : exitCodes.someFailed;
}
