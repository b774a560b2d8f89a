import type { RecordOf } from '../../journal/records.ts';
import type { RunSettings } from '../settings.ts';

/** What the run used is the default for what takes it up. */
export function sameDirectory(given: RunSettings, run: RecordOf<'run'>): RunSettings {
  return {
    ...given,
    directory: given.directory ?? run.directory,
    bind: given.bind ?? run.bind ?? undefined,
    baseDn: given.baseDn ?? run.everyone?.baseDn ?? undefined,
  };
}
