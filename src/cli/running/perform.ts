import type { Target, Verb } from '../../plan/request.ts';
import type { Purpose } from '../options.ts';
import type { KeySettings } from '../settings.ts';
import { carryOut } from './carry-out.ts';
import { makePlan } from './make-plan.ts';
import { keySettingsRecord } from './policies.ts';

/** Does what a verb was asked for: at once, or below `plan` into a file. */
export async function perform(
  purpose: Purpose,
  request: Verb,
  targets: readonly Target[],
  settings: KeySettings,
): Promise<void> {
  if (purpose === 'plan') await makePlan(request, targets, settings);
  else
    await carryOut(
      request.verb,
      { request, targets, keys: await keySettingsRecord(settings), resume: null, undoes: null },
      settings,
    );
}
