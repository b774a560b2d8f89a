import type { Unfinished } from '../../journal/find.ts';
import type { KeySettingsRecord, Request, Target } from '../../plan/request.ts';

/** What a run is: what was asked for, for whom, and how its keys are made. */
export interface Run {
  request: Request;
  targets: readonly Target[];
  keys: KeySettingsRecord;
  /** The run to go on with; null looks for one that was cut short and asked for the same. */
  resume: Unfinished | null;
}
