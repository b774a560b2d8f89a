import type { UserReplication } from '../../inspect/replication/replication.ts';
import type { UserResult } from '../../plan/results.ts';
import type { RunOutcome, UnknownUser } from '../../run/run.ts';

/** How a run came to its end. */
export interface RunEnd {
  outcome: RunOutcome;
  /** The file that undo and resume take, null when none was written. */
  journal: string | null;
  /** Where the users stand on every server, with --wait-replication. */
  replication: readonly UserReplication[];
  /** The folder of the key files, and the journal that names them where that is in another place than usual. */
  keys: { out: string; journal: string | null };
}

/** What is known of a run before its first user. */
export interface Head {
  command: string;
  dryRun: boolean;
  preface: object;
}

/** One form of output. It takes the results as they come. */
export interface Sink {
  user(result: UserResult): void;
  unknown(user: UnknownUser): void;
  end(end: RunEnd, changed: boolean): void;
}
