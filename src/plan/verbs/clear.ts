import { MsmqCertError } from '../../errors.ts';
import type { Criteria } from '../../judge/state.ts';
import { requireUserObject } from '../object-guard.ts';
import type { Planner } from '../plan.ts';
import { planPair } from '../plan-pair.ts';

export interface ClearRequest {
  confirmed: boolean;
  /** Computers and service accounts may be cleared too. */
  includeComputers: boolean;
}

/** Removes both attributes, whatever stands in them. */
export function clearPlanner({ confirmed, includeComputers }: ClearRequest, criteria: Criteria): Planner {
  return (state) => {
    requireUserObject(state.user, includeComputers);
    const plan = planPair(state, { blob: null, digests: [] }, criteria, 'cleared');
    return { ...plan, refusal: confirmed ? null : confirmationNeeded(state.user.account) };
  };
}

function confirmationNeeded(account: string): MsmqCertError {
  return new MsmqCertError('confirmation-needed', `clear would remove every certificate of ${account}`, {
    hint: '--yes takes a backup and goes ahead, --dry-run shows what is there, --ldif writes the change for ldifde',
  });
}
