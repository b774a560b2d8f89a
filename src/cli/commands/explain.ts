import type { Command } from 'commander';
import * as z from 'zod';
import { parseMachine } from '../../certificate/machine.ts';
import { MsmqCertError } from '../../errors.ts';
import { type Check, explain as explainUser } from '../../inspect/explain.ts';
import { joinSides } from '../../inspect/explain-local.ts';
import { criteriaToday, templatesOf } from '../../judge/criteria.ts';
import { assessKnowingly, type UserState } from '../../judge/state.ts';
import { installedCertificates } from '../../machine/installed.ts';
import { isHere, sameAccount } from '../../machine/owner.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { type Here, thisMachine } from '../machine.ts';
import { addDirectoryOptions, addOutputOptions, newCommand } from '../options.ts';
import { printResult } from '../output.ts';
import { recognitionIn, statedRecognition } from '../recognition.ts';
import { colours } from '../render/colours.ts';
import { table } from '../render/table.ts';
import { readSettings, settings } from '../settings.ts';

export function explainCommand(): Command {
  const command = newCommand('explain')
    .summary('find out why the signature of a user is invalid')
    .description(
      'Walks through what is behind "The signature is invalid" for messages from one machine, and ends with what helps.',
    )
    .argument('<user>', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .requiredOption('--machine <name>', 'the machine that the messages come from')
    .option('--local', 'this is that machine, and this the account: look into its store too (Windows)');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [['explain alice --machine PC-1', 'messages from PC-1 are refused']]);
  return command.action(async (name: string, _options, self: Command) => {
    await explain(name, self);
  });
}

const explainSettings = settings.directory.extend({ machine: z.string(), local: z.boolean().default(false) });

export async function explain(name: string, command: Command): Promise<void> {
  const options = await readSettings(command, explainSettings);
  const machine = parseMachine(options.machine);
  const here = options.local ? await thisMachine('explain --local') : null;
  if (here !== null) demandThisMachine(here, machine);
  const stated = await statedRecognition(options);
  const directory = await openDirectory(options, 'read');
  const recognition = recognitionIn(directory, stated);
  try {
    const user = await directory.findUser(name);
    const state = await assessKnowingly(user, await directory.read(user), criteriaToday(recognition, options));
    const { checks: ofDirectory, command: helps } = await explainUser(state, machine, directory);
    const checks = here === null ? ofDirectory : [...ofDirectory, ...bothSides(here, state, machine, options.subject)];
    const isFine = checks.every(({ status }) => status !== 'failed');
    const json = { schema: 1, user: user.account, machine, checks, command: helps };
    const lines = [...table(checks.map(checkColumns)), '', `What helps: ${colours.bold(helps)}`];
    printResult({ exitCode: isFine ? exitCodes.done : exitCodes.someFailed, json, lines }, options);
    recognition.tellUnused();
  } finally {
    await directory.close();
  }
}

function demandThisMachine({ session }: Here, machine: string): void {
  if (isHere(machine, session)) return;
  throw new MsmqCertError('wrong-owner', `this machine is ${session.machines.join(', ')}, and not ${machine}`, {
    hint: 'run it on the machine that the messages come from, or leave --local out',
  });
}

function bothSides({ calls, session }: Here, state: UserState, machine: string, subjects?: string[]): Check[] {
  const { account } = state.user;
  if (sameAccount(account, session.account)) {
    return joinSides(state, machine, installedCertificates(calls, templatesOf(subjects)));
  }
  throw new MsmqCertError('wrong-owner', `this is a session of ${session.account}, and not of ${account}`, {
    hint: `run it as ${account}, or leave --local out`,
  });
}

const colour = { ok: colours.green, failed: colours.red, unknown: colours.yellow };

function checkColumns({ name, status, message }: Check): string[] {
  return [colour[status](status), name, message];
}
