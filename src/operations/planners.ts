import { readFile } from 'node:fs/promises';
import type { Listing, User } from '../directory/directory.ts';
import { MsmqCertError, systemCode } from '../errors.ts';
import { clearPlanner } from './clear.ts';
import { computersFor } from './computers.ts';
import { readJournal } from './journal/read.ts';
import { userKey } from './journal/records.ts';
import type { Planner } from './plan.ts';
import { type PlanFile, plannedPlanner, readPlan } from './plan-file.ts';
import { prunePlanner } from './prune.ts';
import { registerPlanner } from './register.ts';
import { renewPlanner } from './renew.ts';
import { repairPlanner } from './repair.ts';
import type { Request, Verb, Want } from './request.ts';
import { readBackup, restorePlanner } from './restore.ts';
import type { Yardstick } from './state.ts';
import { undoPlanner } from './undo.ts';

/** Makes the planner for one user. */
export type PlannerFor = (wants: readonly Want[], user: User) => Planner;

/**
 * The planners that a request stands for. A plan file, a journal or a backup that it names is read here, once, and so are
 * the computer accounts that it asks for.
 * @throws MsmqCertError file-unreadable, invalid-plan, invalid-journal, invalid-ldif, machines-unknown
 */
export async function plannersFor(request: Request, yardstick: Yardstick, directory: Listing): Promise<PlannerFor> {
  switch (request.verb) {
    case 'apply': {
      const plan = await readPlanFile(request.plan);
      const replan = request.replan ? await verbPlanners(plan.request, yardstick, directory) : null;
      return (_wants, user) => plannedPlanner(plan, user, replan);
    }
    case 'undo': {
      const { users } = await readJournal(request.journal);
      return (_wants, user) => undoPlanner(users.get(userKey(user)), request.journal, yardstick);
    }
    case 'restore': {
      const backup = await readBackup(request.file);
      return () => restorePlanner(backup, request.file, request.confirmed, yardstick);
    }
    default:
      return await verbPlanners(request, yardstick, directory);
  }
}

/** @throws MsmqCertError machines-unknown */
export async function verbPlanners(request: Verb, yardstick: Yardstick, directory: Listing): Promise<PlannerFor> {
  switch (request.verb) {
    case 'register':
      return (wants) => registerPlanner(wants, request.mode);
    case 'renew':
      return () => renewPlanner(request);
    case 'replace':
      return () => renewPlanner({ ...request, scope: { kind: 'all' } });
    case 'repair':
      return () => repairPlanner(request, yardstick);
    case 'prune': {
      const machines = await computersFor(request, yardstick.now, directory);
      return () => prunePlanner(request, yardstick.now, machines);
    }
    case 'clear':
      return () => clearPlanner(request, yardstick);
  }
}

/** @throws MsmqCertError file-unreadable, invalid-plan */
export async function readPlanFile(path: string): Promise<PlanFile> {
  try {
    return readPlan(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof MsmqCertError) throw cause;
    throw new MsmqCertError(
      'file-unreadable',
      `the plan ${path} cannot be read: ${systemCode(cause) ?? 'unknown error'}`,
      {
        hint: 'check the path and the rights',
        cause,
      },
    );
  }
}
