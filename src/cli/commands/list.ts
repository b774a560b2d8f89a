import type { Command } from 'commander';
import * as z from 'zod';
import { type Listing, list as listUsers } from '../../inspect/list.ts';
import { criteriaToday } from '../../judge/criteria.ts';
import type { DecodedState, Registered, UserState } from '../../judge/state.ts';
import { shardSchema } from '../../plan/request.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodeOfFailures } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, newCommand, shardOption } from '../options.ts';
import { errorJson, paragraphsOf, printJsonLine, printResult, tellError } from '../output.ts';
import { recognitionIn, statedRecognition } from '../recognition.ts';
import { colours } from '../render/colours.ts';
import { userJson } from '../render/json.ts';
import { machineText } from '../render/machine.ts';
import { table } from '../render/table.ts';
import { readSettings, settings } from '../settings.ts';

export function listCommand(): Command {
  const command = newCommand('list')
    .summary('list the certificates of users')
    .description('Lists what is registered for each user, with what is wrong about it.')
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .addOption(shardOption())
    .option('--ndjson', 'print JSON, one user a line, the summary last');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['list alice bob --directory ldif:users.ldif', 'from an export of the directory'],
    ['list CORP\\alice --json', 'the same for scripts, with the environment naming directory and account'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await list(names, self);
  });
}

const listSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  shard: shardSchema.optional(),
  ndjson: z.boolean().default(false),
});

export async function list(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, listSettings);
  const users = await readUserNames(names, options.usersFrom);
  const stated = await statedRecognition(options);
  const directory = await openDirectory(options, 'read');
  const recognition = recognitionIn(directory, stated);
  try {
    const listing = await listUsers(directory, users, criteriaToday(recognition, options), options.shard);
    const { states, errors } = listing;
    const json = {
      schema: 1,
      users: states.map(userJson),
      errors: errors.map(({ user, error }) => ({ user, ...errorJson(error) })),
    };
    const paragraphs = states.filter((state) => state.kind === 'decoded').map(stateLines);
    const succeeded = states.filter(({ kind }) => kind === 'decoded').length;
    const exitCode = exitCodeOfFailures(
      errors.map(({ error }) => error.code),
      succeeded,
    );
    if (options.ndjson) printLines(listing);
    printResult({ exitCode, json, lines: options.ndjson ? [] : paragraphsOf(paragraphs) }, options);
    recognition.tellUnused();
    if (!options.json && !options.ndjson) for (const { user, error } of errors) tellError(error, user);
  } finally {
    await directory.close();
  }
}

/** One user or error a line, as in audit, and the summary as the last. */
function printLines({ states, errors }: Listing): void {
  for (const state of states) printJsonLine(userJson(state));
  for (const { user, error } of errors) printJsonLine({ user, error: errorJson(error) });
  const certificates = states.reduce((sum, state) => sum + (state.kind === 'decoded' ? state.entries.length : 0), 0);
  printJsonLine({ schema: 1, summary: { users: states.length, certificates, errors: errors.length } });
}

function stateLines(state: UserState): string[] {
  const { user, pair } = state;
  const count = state.kind === 'decoded' ? state.entries.length : 0;
  const findings = state.findings.length === 0 ? '' : `  ${colours.yellow(state.findings.join(', '))}`;
  const head = `${colours.bold(user.account)}  ${count} ${count === 1 ? 'certificate' : 'certificates'}, ${pair.blob?.length ?? 0} bytes${findings}`;
  if (state.kind !== 'decoded' || count === 0) return [head];
  return [head, ...table([headRow, ...state.entries.map(certificateRow)]), ...orphanLines(state)];
}

const headRow = ['  DIGEST', 'MACHINE', 'VALID UNTIL', 'KEY', 'FINDINGS'];

function certificateRow(registered: Registered): string[] {
  const { digest, facts, findings } = registered;
  const known = facts.kind === 'certificate' ? facts : null;
  return [
    `  ${digest}`,
    machineText(registered),
    known === null ? '-' : dayOf(known.notAfter),
    known === null ? '-' : `${known.keyAlgorithm === 'rsa' ? 'RSA' : 'not RSA'} ${known.keyBits ?? ''}`.trimEnd(),
    findings.length === 0 ? colours.green('none') : colours.yellow(findings.join(', ')),
  ];
}

function orphanLines({ orphanDigests }: DecodedState): string[] {
  return orphanDigests.map((digest) => `  ${digest}  ${colours.yellow('no certificate has this digest')}`);
}

function dayOf(date: Date): string {
  return date.toISOString().replace(/T.*/, '');
}
