import type { Unfinished } from '../../operations/journal/find.ts';
import type { KeySettingsRecord } from '../../operations/journal/records.ts';
import type { Request, Wish } from '../../operations/request.ts';

/** What a command that writes wants done. */
export interface Mutation {
  request: Request;
  wishes: readonly Wish[];
  keys: KeySettingsRecord;
  /** The run to go on with; null looks for one that was cut short and asked for the same. */
  resume: Unfinished | null;
}
