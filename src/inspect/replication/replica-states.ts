import { examine } from '../../blob/findings.ts';
import { type Pair, samePair } from '../../blob/pair.ts';
import type { ReplicaReading, Stamp, Stamps } from '../../directory/replicas.ts';
import type { MsmqCertError } from '../../errors.ts';

/** What came of asking one server for a user. `absent`: it does not have the object. */
export type Observation =
  | ({ kind: 'read' } & ReplicaReading)
  | { kind: 'absent' }
  | { kind: 'unreachable'; error: MsmqCertError };

/**
 * `current`: it has the pair that all servers will have; `behind`: it has an older write and replication will bring the
 * newer one; `differs`: it has other bytes, and nothing tells which is newer.
 */
export type ReplicaState = 'current' | 'behind' | 'differs' | 'unreachable';

export interface Verdict {
  /** One for each observation, in the same order. */
  states: ReplicaState[];
  /**
   * The pair that all servers have, or will have, is torn: its halves come from writes on different servers and do not
   * match. Replication lets the newest write win for each attribute on its own (specification §7).
   */
  torn: boolean;
}

/** Compares what the servers have, byte for byte. Without stamps the first that could be read is the measure. */
export function reconcile(observations: readonly Observation[]): Verdict {
  const readings = observations.filter((observation) => observation.kind === 'read');
  const goal = goalOf(readings);
  return {
    states: observations.map((observation) => stateOf(observation, goal)),
    torn: goal !== null && isTorn(goal),
  };
}

/** Where replication leads to when nobody writes any more. */
function goalOf(readings: readonly ReplicaReading[]): ReplicaReading | null {
  const [first] = readings;
  if (first === undefined || readings.some(({ stamps }) => stamps === null)) return first ?? null;
  const blob = newest(readings, 'blob');
  const digests = newest(readings, 'digests');
  return {
    pair: { blob: blob.pair.blob, digests: digests.pair.digests },
    stamps: { blob: blob.stamps?.blob ?? null, digests: digests.stamps?.digests ?? null },
  };
}

function newest(readings: readonly ReplicaReading[], half: keyof Stamps): ReplicaReading {
  return readings.reduce((best, each) =>
    compareStamps(each.stamps?.[half] ?? null, best.stamps?.[half] ?? null) > 0 ? each : best,
  );
}

/** The order in which replication lets one write win over another (specification §7); no write at all loses. */
export function compareStamps(a: Stamp | null, b: Stamp | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (a.version !== b.version) return a.version - b.version;
  if (a.changedAt.getTime() !== b.changedAt.getTime()) return a.changedAt.getTime() - b.changedAt.getTime();
  return a.origin === b.origin ? 0 : a.origin > b.origin ? 1 : -1;
}

function stateOf(observation: Observation, goal: ReplicaReading | null): ReplicaState {
  if (observation.kind === 'unreachable') return 'unreachable';
  if (observation.kind === 'absent' || goal === null) return 'behind';
  if (samePair(observation.pair, goal.pair)) return 'current';
  return isOlder(observation.stamps, goal.stamps) ? 'behind' : 'differs';
}

function isOlder(stamps: Stamps | null, goal: Stamps | null): boolean {
  if (stamps === null || goal === null) return false;
  return compareStamps(stamps.blob, goal.blob) < 0 || compareStamps(stamps.digests, goal.digests) < 0;
}

function isTorn({ pair, stamps }: ReplicaReading): boolean {
  const [blob, digests] = [stamps?.blob ?? null, stamps?.digests ?? null];
  return blob !== null && digests !== null && blob.origin !== digests.origin && !halvesMatch(pair);
}

function halvesMatch(pair: Pair): boolean {
  const examination = examine(pair);
  if (examination.kind === 'malformed') return true;
  const { entries, orphanDigests } = examination;
  return orphanDigests.length === 0 && !entries.some(({ findings }) => findings.includes('digest-missing'));
}
