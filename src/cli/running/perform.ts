import type { Verb } from '../../plan/request.ts';
import type { Purpose } from '../options.ts';
import type { KeySettings } from '../settings.ts';
import { carryOut } from './carry-out.ts';
import type { Chosen } from './chosen-users.ts';
import { makePlan } from './make-plan.ts';
import { keySettingsRecord } from './policies.ts';

/** Does what a verb was asked for: at once, or below `plan` into a file. */
export async function perform(purpose: Purpose, request: Verb, chosen: Chosen, settings: KeySettings): Promise<void> {
  if (purpose === 'plan') await makePlan(request, chosen, settings);
  else
    await carryOut(
      request.verb,
      { request, ...chosen, keys: await keySettingsRecord(settings), resume: null, undoes: null },
      settings,
    );
}
