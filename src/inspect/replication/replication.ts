import { setTimeout as pause } from 'node:timers/promises';
import limit from 'p-limit';
import { command } from '../../advice.ts';
import { toHex } from '../../blob/digest.ts';
import type { User } from '../../directory/directory.ts';
import { nameForCommand } from '../../directory/names.ts';
import type { Replica } from '../../directory/replicas.ts';
import { MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { type Observation, type ReplicaState, reconcile } from './replica-states.ts';

/** What one server has of a user. */
export interface ServerState {
  server: string;
  state: ReplicaState;
  observation: Observation;
}

/** One user across all servers. */
export interface UserReplication {
  user: User;
  /** Every server was read, and all have the same bytes. */
  converged: boolean;
  /** The blob comes from a write on one server and the digests from a write on another, and they do not match. */
  torn: boolean;
  servers: ServerState[];
}

export interface WaitOptions {
  /** Stop asking after this many milliseconds; 0 asks once. */
  timeoutMs: number;
  /** Once aborted, no new round is begun. */
  signal?: AbortSignal;
  /** After each round, with how many users have converged. */
  onRound?: (converged: number, users: number) => void;
}

/** Waits between the rounds, in milliseconds; the last one is repeated. */
const PAUSES_MS = [250, 500, 1000, 2000, 5000];
const USERS_AT_ONCE = 8;

/**
 * Reads each user on every server and compares byte for byte, again and again until all servers agree or the time is up.
 * A server that cannot be asked counts as not agreeing. The outcome is in the order of `users`; nothing is thrown.
 */
export async function waitForReplication(
  replicas: readonly Replica[],
  users: readonly User[],
  { timeoutMs, signal, onRound }: WaitOptions,
): Promise<UserReplication[]> {
  const lane = limit(USERS_AT_ONCE);
  const deadline = performance.now() + timeoutMs;
  let outcome = await lane.map(users, (user) => observe(replicas, user));
  for (let round = 0; ; round++) {
    const converged = outcome.filter((each) => each.converged).length;
    onRound?.(converged, users.length);
    const left = deadline - performance.now();
    if (converged === users.length || left <= 0) return outcome;
    const interrupted = await pauseFor(Math.min(PAUSES_MS[round] ?? 5000, left), signal);
    if (interrupted) return outcome;
    outcome = await lane.map(outcome, (each) => (each.converged ? each : observe(replicas, each.user)));
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
  return await pause(milliseconds, false, signal && { signal }).catch(() => true);
}

async function observe(replicas: readonly Replica[], user: User): Promise<UserReplication> {
  const observed = await Promise.all(
    replicas.map(async (replica) => ({ server: replica.server, observation: await ask(replica, user) })),
  );
  const { states, torn } = reconcile(observed.map(({ observation }) => observation));
  const servers = observed.map((each, index) => ({ ...each, state: states[index] ?? 'unreachable' }));
  return { user, converged: servers.every(({ state }) => state === 'current'), torn, servers };
}

async function ask(replica: Replica, user: User): Promise<Observation> {
  try {
    const reading = await replica.read(user);
    return reading === null ? { kind: 'absent' } : { kind: 'read', ...reading };
  } catch (error) {
    return { kind: 'unreachable', error: toMsmqCertError(error) };
  }
}

/** The digests of a server in hexadecimal, sorted; null when they could not be read. */
export function digestsOf({ observation }: ServerState): string[] | null {
  return observation.kind === 'read' ? observation.pair.digests.map(toHex).sort() : null;
}

/** What is wrong with a user whose servers do not agree, or agree on a torn pair; null when nothing is. */
export function replicationError({ user, converged, torn, servers }: UserReplication): MsmqCertError | null {
  if (torn) {
    return new MsmqCertError('torn-pair', `${user.account} was written on two domain controllers at once`, {
      hint: `the certificates of one write are there with the digests of the other: run ${command('repair', [nameForCommand(user)])}`,
    });
  }
  if (converged) return null;
  const late = servers.filter(({ state }) => state !== 'current').map(({ server, state }) => `${server} ${state}`);
  return new MsmqCertError('not-replicated', `${user.account} is not the same on every server: ${late.join(', ')}`, {
    hint: `receivers may refuse its signatures until then: wait with ${command('replication', [nameForCommand(user)], ['--wait', '10m'])}, or see repadmin /replsummary`,
  });
}
