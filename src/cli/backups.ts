import type { Command } from 'commander';
import * as z from 'zod';
import type { ObjectKind, Scope } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { backUp, isPresent } from '../inspect/backup.ts';
import { readBackup } from '../plan/verbs/restore.ts';
import { openDirectory } from './access/connect.ts';
import { exitCodeOfFailures } from './exit-codes.ts';
import { readUserNames } from './input.ts';
import { errorJson, printResult, tellError } from './output.ts';
import { mutate } from './runs/mutate.ts';
import { keySettingsRecord } from './runs/policies.ts';
import { withoutWants } from './runs/verbs.ts';
import { readSettings, settings } from './settings.ts';

const backupSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
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
    const { users, errors } = await backUp(directory.users(scope), wanted, options.out);
    const json = {
      schema: 1,
      file: options.out,
      users,
      errors: errors.map(({ user, error }) => ({ user, ...errorJson(error) })),
    };
    const text = `${users} ${users === 1 ? 'user' : 'users'} saved in ${options.out}`;
    const codes = errors.map(({ error }) => error.code);
    printResult({ exitCode: exitCodeOfFailures(codes, users), json, text }, options);
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

const restoreSettings = settings.cleaning.extend({ user: z.array(z.string()).optional() });

export async function restore(file: string, command: Command): Promise<void> {
  const options = await readSettings(command, restoreSettings);
  const request = { verb: 'restore', file, confirmed: options.yes } as const;
  const names = options.user ?? (await usersOf(file));
  const keys = keySettingsRecord(options);
  await mutate('restore', { request, targets: names.map(withoutWants), keys, resume: null }, options);
}

async function usersOf(file: string): Promise<string[]> {
  const { users } = await readBackup(file);
  return users.flatMap(({ names }) => names.slice(0, 1));
}
