import type { Pair } from '../blob/pair.ts';
import type { User } from './directory.ts';

/**
 * Which write an attribute holds ([MS-DRSR] 4.1.10.5.6): replication lets the higher version win, then the later time, then
 * the greater invocation id (specification §7).
 */
export interface Stamp {
  version: number;
  /** When it was written where it was written, in whole seconds. */
  changedAt: Date;
  /** The invocation id of the domain controller that took the write, as GUID text. */
  origin: string;
}

export interface Stamps {
  /** Null: the attribute was never written. */
  blob: Stamp | null;
  digests: Stamp | null;
}

/** A user as one server has it. `stamps` is null where the server does not give them. */
export interface ReplicaReading {
  pair: Pair;
  stamps: Stamps | null;
}

/** One server that holds a copy of the users. */
export interface Replica {
  /** Its full DNS name. */
  readonly server: string;
  /**
   * Reads a user there; null when the object has not arrived yet. Connects when it has to.
   * @throws MsmqCertError when the server cannot be reached or asked
   */
  read(user: User): Promise<ReplicaReading | null>;
  close(): Promise<void>;
}

/** A directory of which there are several copies. */
export interface Replicated {
  /**
   * Every server that holds a copy of the users, the one that is connected first. None is connected to yet.
   * @throws MsmqCertError usage when the directory is a file
   */
  replicas(): Promise<Replica[]>;
}
