import type { Command } from 'commander';
import * as z from 'zod';
import type { Directory, User } from '../../directory/directory.ts';
import { isInShard, type Shard } from '../../directory/shard.ts';
import { type ErrorCode, type MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { replicationError } from '../../inspect/replication/replication.ts';
import { shardSchema } from '../../plan/request.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, durationOption, newCommand, shardOption } from '../options.ts';
import { errorJson, paragraphsOf, printResult, tellError } from '../output.ts';
import { replicationJson, replicationLines } from '../render/replication.ts';
import { awaitReplication } from '../running/await-replication.ts';
import { readSettings, settings } from '../settings.ts';

export function replicationCommand(): Command {
  const command = newCommand('replication')
    .summary('compare users on every domain controller')
    .description(
      'Reads users on every domain controller of the domain and every global catalog, compares them byte for byte, and ' +
        'waits until all agree. Ends with exit code 1 when they do not agree in time, or agree on a torn pair.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .addOption(shardOption())
    .addOption(durationOption('--wait <duration>', 'how long to wait for agreement', '30s'))
    .option('--no-wait', 'look once');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['replication alice --no-wait', 'which server has what, now'],
    ['replication --users-from users.txt --wait 10m --json', 'after a large registration'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await replication(names, self);
  });
}

const replicationSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  shard: shardSchema.optional(),
  wait: z.union([z.number(), z.literal(false)]),
});

export async function replication(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, replicationSettings);
  const wanted = await readUserNames(names, options.usersFrom);
  const directory = await openDirectory(options, 'read');
  try {
    const { users, errors } = await findUsers(directory, wanted, options.shard);
    const states = await awaitReplication(directory, users, options.wait || 0, options);
    const json = {
      schema: 1,
      users: states.map(replicationJson),
      errors: errors.map(({ name, error }) => ({ user: name, ...errorJson(error) })),
    };
    const failures = states.flatMap((each) => replicationError(each) ?? []);
    const codes: ErrorCode[] = errors.map(({ error }) => error.code);
    const exitCode = failures.length > 0 ? exitCodes.someFailed : exitCodeOfFailures(codes, states.length);
    printResult({ exitCode, json, lines: paragraphsOf(states.map(replicationLines)) }, options);
    if (options.json) return;
    for (const error of failures) tellError(error);
    for (const { name, error } of errors) tellError(error, name);
  } finally {
    await directory.close();
  }
}

interface Unknown {
  name: string;
  error: MsmqCertError;
}

/** A user named twice is looked at once. */
async function findUsers(
  directory: Directory,
  names: readonly string[],
  shard: Shard | undefined,
): Promise<{ users: User[]; errors: Unknown[] }> {
  const users = new Map<string, User>();
  const errors: Unknown[] = [];
  for (const name of names) {
    try {
      const user = await directory.findUser(name);
      if (shard === undefined || isInShard(user, shard)) users.set(user.dn, user);
    } catch (error) {
      errors.push({ name, error: toMsmqCertError(error) });
    }
  }
  return { users: [...users.values()], errors };
}
