import { saveBefore } from '../../inspect/backup.ts';
import type { UserPlan } from '../../plan/plan.ts';
import type { Request } from '../../plan/request.ts';
import type { Summary } from '../../plan/results.ts';
import { planLines } from '../render/plan-text.ts';
import type { MutationSettings } from '../settings.ts';
import { print, tell } from '../terminal.ts';

const TAKES_AWAY: ReadonlySet<Request['verb']> = new Set(['repair', 'prune', 'clear', 'restore']);

/**
 * What happens before each write of a command that takes something away: its plan is shown, and what could not be put
 * back by any other means is saved.
 */
export function safeguards(
  request: Request,
  out: string,
  settings: MutationSettings,
): (plan: UserPlan) => Promise<void> {
  if (!TAKES_AWAY.has(request.verb)) return async () => {};
  return async (plan) => {
    // A dry run shows the plan as its result.
    if (!settings.quiet && !settings.dryRun) show(plan, settings);
    const form = savedForm(request);
    if (form === null || plan.refusal !== null) return;
    const file = await saveBefore(out, plan.user, plan.before, form);
    if (!settings.quiet) tell(`${plan.user.account}: saved in ${file}`);
  };
}

/** A document for programs stands alone on standard output. */
function show(plan: UserPlan, { json, ndjson }: MutationSettings): void {
  const lines = [plan.user.account, ...planLines(plan), ''];
  if (json || ndjson) tell(...lines);
  else print(lines);
}

function savedForm(request: Request): 'ldif' | 'blob' | null {
  if (request.verb === 'clear') return 'ldif';
  return request.verb === 'repair' && request.salvage ? 'blob' : null;
}

/** What people should know when the run is over. */
export function tellAfterwards({ removed }: Summary, { verb }: Request, { quiet, dryRun }: MutationSettings): void {
  if (quiet || dryRun || removed === 0 || verb === 'repair' || !TAKES_AWAY.has(verb)) return;
  tell('receivers that have accepted a removed certificate may go on to accept it for about 21 minutes');
}
