import type { Shard } from '../../directory/shard.ts';
import type { JournalHistory } from '../../journal/read.ts';
import type { Sequence } from '../../packed/packed-list.ts';
import type { Everyone, KeySettingsRecord, Request, Target } from '../../plan/request.ts';

/** What a run is: what was asked for, for whom, and how its keys are made. */
export interface Run {
  request: Request;
  targets: Sequence<Target>;
  /** Whom it is for when there are no targets. */
  everyone?: Everyone;
  /** The part of them that it is for; not there for all. */
  shard?: Shard;
  /** The run of a queue that this process works on a part of. */
  queued?: string;
  keys: KeySettingsRecord;
  /** The journal of the run to go on with; null looks for one that was cut short and asked for the same. */
  resume: string | null;
  /** The run that this one puts back. */
  undoes: { path: string; history: JournalHistory } | null;
  /** What its document tells besides, for scripts. */
  preface?: object;
}
