import type { Command } from 'commander';
import * as z from 'zod';
import type { Directory, User } from '../directory/directory.ts';
import type { Replicated, Stamp } from '../directory/replicas.ts';
import { type ErrorCode, type MsmqCertError, toMsmqCertError } from '../errors.ts';
import {
  digestsOf,
  replicationError,
  type ServerState,
  type UserReplication,
  waitForReplication,
} from '../inspect/replication/replication.ts';
import { openDirectory } from './access/connect.ts';
import { colours } from './colours.ts';
import { exitCodeOfFailures, exitCodes } from './exit-codes.ts';
import { readUserNames } from './input.ts';
import { errorJson, harmless, printResult, tell, tellError } from './output.ts';
import { type OutputSettings, readSettings, settings } from './settings.ts';
import { table } from './table.ts';

const replicationSettings = settings.directory.extend({
  usersFrom: z.string().optional(),
  wait: z.union([z.number(), z.literal(false)]),
});

export async function replication(names: readonly string[], command: Command): Promise<void> {
  const options = await readSettings(command, replicationSettings);
  const wanted = await readUserNames(names, options.usersFrom);
  const directory = await openDirectory(options, 'read');
  try {
    const { users, errors } = await findUsers(directory, wanted);
    const states = await awaitReplication(directory, users, options.wait || 0, options);
    const json = {
      schema: 1,
      users: states.map(replicationJson),
      errors: errors.map(({ name, error }) => ({ user: name, ...errorJson(error) })),
    };
    const failures = states.flatMap((each) => replicationError(each) ?? []);
    const codes: ErrorCode[] = errors.map(({ error }) => error.code);
    const exitCode = failures.length > 0 ? exitCodes.someFailed : exitCodeOfFailures(codes, states.length);
    printResult({ exitCode, json, text: states.map(replicationText).join('\n\n') }, options);
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
): Promise<{ users: User[]; errors: Unknown[] }> {
  const users = new Map<string, User>();
  const errors: Unknown[] = [];
  for (const name of names) {
    try {
      const user = await directory.findUser(name);
      users.set(user.dn, user);
    } catch (error) {
      errors.push({ name, error: toMsmqCertError(error) });
    }
  }
  return { users: [...users.values()], errors };
}

const LINE_EVERY_MS = 5000;

/**
 * Waits until every server has the same of these users, or the time is up, and says on standard error that it waits.
 * @throws MsmqCertError usage when the directory is a file
 */
export async function awaitReplication(
  directory: Replicated,
  users: readonly User[],
  timeoutMs: number,
  { progress, quiet }: Pick<OutputSettings, 'progress' | 'quiet'>,
  signal?: AbortSignal,
): Promise<UserReplication[]> {
  const replicas = await directory.replicas();
  let told = performance.now();
  const onRound = (converged: number, total: number) => {
    if (!progress || quiet || performance.now() - told < LINE_EVERY_MS) return;
    told = performance.now();
    tell(`waiting for replication: ${converged} of ${total} users are the same on ${replicas.length} servers`);
  };
  try {
    return await waitForReplication(replicas, users, { timeoutMs, onRound, ...(signal && { signal }) });
  } finally {
    await Promise.all(replicas.map((replica) => replica.close()));
  }
}

/** One user in the document of replication. */
export function replicationJson({ user, converged, torn, servers }: UserReplication) {
  return { user: user.account, converged, torn, servers: servers.map(serverJson) };
}

function serverJson(server: ServerState) {
  const { observation } = server;
  const stamps = observation.kind === 'read' ? observation.stamps : null;
  return {
    server: server.server,
    state: server.state,
    digests: digestsOf(server) ?? [],
    written:
      stamps === null ? null : { mSMQSignCertificates: stampJson(stamps.blob), mSMQDigests: stampJson(stamps.digests) },
    error: observation.kind === 'unreachable' ? errorJson(observation.error) : null,
  };
}

function stampJson(stamp: Stamp | null) {
  return stamp === null ? null : { ...stamp, changedAt: stamp.changedAt.toISOString() };
}

const stateColour = { current: colours.green, behind: colours.yellow, differs: colours.red, unreachable: colours.red };

/** One user as a table of servers. */
export function replicationText({ user, converged, torn, servers }: UserReplication): string {
  const summary = torn ? colours.red('torn') : converged ? colours.green('converged') : colours.yellow('not converged');
  const head = ['  SERVER', 'STATE', 'DIGESTS', 'CERTIFICATES WRITTEN', 'DIGESTS WRITTEN'];
  return `${colours.bold(harmless(user.account))}  ${summary}\n${table([head, ...servers.map(serverRow)])}`;
}

function serverRow(server: ServerState): string[] {
  const { observation, state } = server;
  const name = `  ${harmless(server.server)}`;
  const shown = stateColour[state](state);
  switch (observation.kind) {
    case 'unreachable':
      return [name, shown, '', harmless(observation.error.message), ''];
    case 'absent':
      return [name, shown, '', 'the object has not arrived', ''];
    case 'read': {
      const { pair, stamps } = observation;
      const written = stamps === null ? ['', ''] : [stampText(stamps.blob), stampText(stamps.digests)];
      return [name, shown, String(pair.digests.length), ...written];
    }
  }
}

/** `v4 2026-01-31 12:00:00Z by 3f2504e0`: the version, when, and the beginning of the invocation id of the server it was written on. */
function stampText(stamp: Stamp | null): string {
  if (stamp === null) return 'never';
  const at = stamp.changedAt.toISOString().replace('T', ' ').replace(/\.\d+/, '');
  return `v${stamp.version} ${at} by ${stamp.origin.slice(0, 8)}`;
}
