import limit from 'p-limit';
import type { MsmqCertError } from '../../errors.ts';
import type { UserPlan } from '../../plan/plan.ts';
import type { Request } from '../../plan/request.ts';
import type { Summary } from '../../plan/results.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { saveWhatGoes } from '../../run/save-before.ts';
import { planLines } from '../render/plan-text.ts';
import type { RunSettings } from '../settings.ts';
import { print, tell } from '../terminal.ts';
import { canAsk, isConfirmed } from './confirm.ts';
import type { Progress } from './progress.ts';

const TAKES_AWAY: ReadonlySet<Request['verb']> = new Set(['repair', 'prune', 'clear', 'restore']);

/**
 * What happens before each write: the plan of a command that takes something away is shown, and so is one that has to be
 * confirmed, by somebody at the terminal if there is one. What could not be put back by any other means is saved.
 */
export function safeguards(
  request: Request,
  out: string,
  settings: RunSettings,
  progress: Pick<Progress, 'pausing'>,
): ApplyContext['beforeWrite'] {
  const oneByOne = limit(1);
  const takesAway = TAKES_AWAY.has(request.verb);
  const ask = async (plan: UserPlan, refusal: MsmqCertError, stop: AbortSignal): Promise<UserPlan> =>
    await progress.pausing(async () => {
      show(plan, settings);
      return (await isConfirmed(`${refusal.message}; go ahead?`, stop)) ? { ...plan, refusal: null } : plan;
    });
  return async (planned, stop) => {
    const { refusal } = planned;
    const asks = refusal !== null && canAsk();
    const plan = asks ? await oneByOne(ask, planned, refusal, stop) : planned;
    if (!takesAway) return plan;
    // A dry run shows the plan as its result.
    if (!settings.quiet && !settings.dryRun && !asks) show(plan, settings);
    const file = await saveWhatGoes(request, out, plan);
    if (file !== null && !settings.quiet) tell(`${plan.user.account}: saved in ${file}`);
    return plan;
  };
}

/** A document for programs stands alone on standard output. */
function show(plan: UserPlan, { json, ndjson, quiet }: RunSettings): void {
  const lines = [plan.user.account, ...planLines(plan), ''];
  if (json || ndjson || quiet) tell(...lines);
  else print(lines);
}

/** What people should know when the run is over. */
export function tellAfterwards({ removed }: Summary, { verb }: Request, { quiet, dryRun }: RunSettings): void {
  if (quiet || dryRun || removed === 0 || verb === 'repair' || !TAKES_AWAY.has(verb)) return;
  tell('receivers that have accepted a removed certificate may go on to accept it for about 21 minutes');
}
