import { counted } from '../../counted.ts';
import type { User } from '../../directory/directory.ts';
import type { Replicated } from '../../directory/replicas.ts';
import { type UserReplication, waitForReplication } from '../../inspect/replication/replication.ts';
import type { UserResult } from '../../plan/results.ts';
import type { OutputSettings, RunSettings } from '../settings.ts';
import { tell } from '../terminal.ts';

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
    tell(
      `waiting for replication: users that are the same on ${counted(replicas.length, 'server')}: ${converged} of ${total}`,
    );
  };
  try {
    return await waitForReplication(replicas, users, { timeoutMs, onRound, ...(signal && { signal }) });
  } finally {
    await Promise.all(replicas.map((replica) => replica.close()));
  }
}

/** For --wait-replication: the users of a run whose certificates are to be on every server. */
export interface Arrivals {
  /** @throws MsmqCertError usage for a file, before anything is written */
  check(): Promise<void>;
  note(result: UserResult): void;
  /** Waits for those that were noted. */
  wait(): Promise<UserReplication[]>;
}

export function watchArrivals(directory: Replicated, settings: RunSettings, signal: AbortSignal): Arrivals {
  const { waitReplication } = settings;
  if (waitReplication === undefined) return { check: async () => {}, note: () => {}, wait: async () => [] };
  const users: User[] = [];
  return {
    async check() {
      for (const replica of await directory.replicas()) await replica.close();
    },
    // also who needed nothing: an earlier run may have written what has not arrived everywhere
    note({ user, outcome }) {
      if (outcome === 'changed' || outcome === 'unchanged') users.push(user);
    },
    async wait() {
      if (users.length === 0 || settings.dryRun) return [];
      return await awaitReplication(directory, users, waitReplication, settings, signal);
    },
  };
}
