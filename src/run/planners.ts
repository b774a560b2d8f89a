import { type Listing, type User, userKey } from '../directory/directory.ts';
import { readPieces } from '../files/read-file.ts';
import { readJournal } from '../journal/read.ts';
import { pairFrom } from '../journal/records.ts';
import type { UserHistory } from '../journal/users.ts';
import type { Criteria } from '../judge/state.ts';
import { computersFor } from '../plan/computers.ts';
import type { Planner } from '../plan/plan.ts';
import { type PlanFile, readPlan } from '../plan/plan-file.ts';
import type { Request, Verb, Wanted } from '../plan/request.ts';
import { plannedPlanners } from '../plan/verbs/apply.ts';
import { clearPlanner } from '../plan/verbs/clear.ts';
import { prunePlanner } from '../plan/verbs/prune.ts';
import { registerPlanner } from '../plan/verbs/register.ts';
import { renewPlanner } from '../plan/verbs/renew.ts';
import { repairPlanner } from '../plan/verbs/repair.ts';
import { readBackup, restorePlanner } from '../plan/verbs/restore.ts';
import { undoPlanner, type Written } from '../plan/verbs/undo.ts';

/** Makes the planner for one user. */
export type PlannerFor = (wanted: readonly Wanted[], user: User) => Planner;

/**
 * The planners that a request stands for. A plan file, a journal or a backup that it names is read here, once, and so are
 * the computer accounts that it asks for.
 * @throws MsmqCertError file-unreadable, invalid-plan, invalid-journal, invalid-ldif, machines-unknown
 */
export async function plannersFor(
  request: Request,
  criteria: Criteria,
  directory: Pick<Listing, 'survey'>,
): Promise<PlannerFor> {
  switch (request.verb) {
    case 'apply': {
      const plan = readPlanFile(request.plan);
      const { confirmed } = request;
      const anew = 'confirmed' in plan.request ? { ...plan.request, confirmed } : plan.request;
      const replan = request.replan ? await verbPlanners(anew, criteria, directory) : null;
      const plannerOf = plannedPlanners(plan, confirmed, replan);
      return (_wanted, user) => plannerOf(user);
    }
    case 'undo': {
      const history = await readJournal(request.journal);
      return (_wanted, user) => undoPlanner(() => writtenBy(history.of(userKey(user))), request.journal, criteria);
    }
    case 'restore': {
      const backup = await readBackup(request.file);
      return () => restorePlanner(backup, request.file, request.confirmed, criteria);
    }
    default:
      return await verbPlanners(request, criteria, directory);
  }
}

/** @throws MsmqCertError machines-unknown */
export async function verbPlanners(
  request: Verb,
  criteria: Criteria,
  directory: Pick<Listing, 'survey'>,
): Promise<PlannerFor> {
  switch (request.verb) {
    case 'register':
      return (wanted) => registerPlanner(wanted, request.mode);
    case 'renew':
      return () => renewPlanner(request);
    case 'replace':
      return () => renewPlanner({ ...request, scope: { kind: 'all' } });
    case 'repair':
      return () => repairPlanner(request, criteria);
    case 'prune': {
      const machines = await computersFor(request, criteria.now, directory);
      return () => prunePlanner(request, criteria.now, machines);
    }
    case 'clear':
      return () => clearPlanner(request, criteria);
  }
}

/** @throws MsmqCertError file-unreadable, invalid-plan */
export function readPlanFile(path: string): PlanFile {
  return readPlan(readPieces(path, `the plan ${path}`), path);
}

/** The writes of a run to a user that took, or of which nobody knows. */
export function writtenBy(history: Pick<UserHistory, 'swaps'> | undefined): Written[] {
  const took = (history?.swaps ?? []).filter(({ outcome }) => outcome === null || outcome.outcome === 'swapped');
  return took.map(({ intent: { before, after } }) => ({ before: pairFrom(before), after }));
}
