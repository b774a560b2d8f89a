import { saveBefore } from '../inspect/backup.ts';
import type { UserPlan } from '../plan/plan.ts';
import type { Request } from '../plan/request.ts';

/**
 * Saves what could not be put back by any other means before it goes, in `backup` below `out`.
 * @returns the file; null where nothing has to be saved, or nothing is written
 * @throws MsmqCertError file-unwritable, disk-full
 */
export async function saveWhatGoes(request: Request, out: string, plan: UserPlan): Promise<string | null> {
  const form = savedForm(request);
  return form === null || plan.refusal !== null ? null : await saveBefore(out, plan.user, plan.before, form);
}

function savedForm(request: Request): 'ldif' | 'blob' | null {
  if (request.verb === 'clear') return 'ldif';
  return request.verb === 'repair' && request.salvage ? 'blob' : null;
}
