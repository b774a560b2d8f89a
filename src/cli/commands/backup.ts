import type { Command } from 'commander';
import * as z from 'zod';
import type { ObjectKind, Scope } from '../../directory/directory.ts';
import { ofShard } from '../../directory/shard.ts';
import { MsmqCertError } from '../../errors.ts';
import { backUp, isPresent } from '../../inspect/backup.ts';
import { shardSchema } from '../../plan/request.ts';
import { openDirectory } from '../access/connect.ts';
import { exitCodeOfFailures } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import { readUserNames } from '../input.ts';
import { addDirectoryOptions, addOutputOptions, newCommand, shardOption } from '../options.ts';
import { errorJson, printResult, tellError } from '../output.ts';
import { readSettings, settings } from '../settings.ts';

export function backupCommand(): Command {
  const command = newCommand('backup')
    .summary('save the certificates of users to a file')
    .description(
      'Writes the exact values of both attributes to an LDIF file, also of a malformed blob. msmq-cert restore puts them back, ' +
        'and --directory ldif:<file> reads them.',
    )
    .argument('[user...]', 'account, DOMAIN\\user, UPN, distinguished name or SID')
    .option('--users-from <file>', 'more users, one a line; - for standard input')
    .option('--all', 'everybody below --base-dn who has certificates')
    .addOption(shardOption())
    .option('--include-computers', 'with --all: computers and service accounts too')
    .requiredOption('--out <file>', 'where to write them; the file must not exist');
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['backup alice bob --out before.ldif', 'two users'],
    ['backup --all --out all.ldif', 'a whole domain'],
  ]);
  return command.action(async (names: string[], _options, self: Command) => {
    await backup(names, self);
  });
}

const backupSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  shard: shardSchema.optional(),
  all: z.boolean().default(false),
  includeComputers: z.boolean().default(false),
  out: z.string(),
});

export async function backup(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, backupSettings);
  const scope = await scopeOf(names, options);
  const directory = await openDirectory(options);
  try {
    const wanted = scope.kind === 'all' ? isPresent : () => true;
    const listed = directory.users(scope);
    const chosen = options.shard === undefined ? listed : ofShard(listed, options.shard);
    const { users, errors } = await backUp(chosen, wanted, options.out);
    const json = {
      schema: 1,
      file: options.out,
      users,
      errors: errors.map(({ user, error }) => ({ user, ...errorJson(error) })),
    };
    const text = `${users} ${users === 1 ? 'user' : 'users'} saved in ${options.out}`;
    const codes = errors.map(({ error }) => error.code);
    printResult({ exitCode: exitCodeOfFailures(codes, users), json, lines: [text] }, options);
    if (!options.json) for (const { user, error } of errors) tellError(error, user);
  } finally {
    await directory.close();
  }
}

async function scopeOf(names: readonly string[], options: z.infer<typeof backupSettings>): Promise<Scope> {
  const { all, usersFrom, includeComputers } = options;
  if (!all) return { kind: 'named', names: await readUserNames(names, usersFrom) };
  if (names.length > 0 || usersFrom !== undefined) {
    throw new MsmqCertError('usage', '--all is given, and users besides', { hint: 'give one of them' });
  }
  const computers: ObjectKind[] = includeComputers ? ['computer', 'managed-service-account'] : [];
  return { kind: 'all', filter: null, include: new Set<ObjectKind>(['user', 'migrated-user', ...computers]) };
}
