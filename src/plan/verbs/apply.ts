import { identifierText } from '../../blob/identifier.ts';
import { pairKey } from '../../blob/pair.ts';
import { type User, userKey } from '../../directory/directory.ts';
import { MsmqCertError } from '../../errors.ts';
import type { DecodedState } from '../../judge/state.ts';
import { nameIndex } from '../../packed/name-index.ts';
import type { Sequence } from '../../packed/packed-list.ts';
import { requireUserObject } from '../object-guard.ts';
import {
  decodedOnly,
  keepOrDelete,
  type PlanItem,
  type Planner,
  planEntries,
  type UserPlan,
  type Verdict,
} from '../plan.ts';
import type { PlanFile, PlannedUser } from '../plan-file.ts';
import type { Verb, Wanted } from '../request.ts';
import { removalRefusal } from './prune.ts';

/**
 * Carries out exactly what a plan file says of each user, provided that the user still stands as it was planned on. What
 * was refused when the plan was made is refused again, unless it is confirmed now.
 * @param confirmed somebody agreed to what the plan takes away
 * @param replan how to plan anew for a user that was changed since; null to refuse such a user
 */
export function plannedPlanners(
  plan: PlanFile,
  confirmed: boolean,
  replan: ((wanted: readonly Wanted[], user: User) => Planner) | null,
): (user: User) => Planner {
  const plannedFor = plannedByUser(plan.users);
  return (user) => (state) => {
    const planned = plannedFor(userKey(user));
    if (planned === undefined || !isOfDomain(user, plan.domain)) throw otherDomain(user, plan.domain);
    requirePlannedObject(user, plan.request);
    if (pairKey(state.pair) === planned.base) {
      return decodedOnly((decoded) => {
        const exact = planExactly(planned, decoded);
        return { ...exact, refusal: confirmed ? null : refusalOf(planned, exact, plan.request) };
      })(state);
    }
    if (replan !== null) return replan(planned.wanted, user)(state);
    throw outdated(user, 'was changed since the plan was made');
  };
}

/** The first that the file has for a user, by userKey. */
function plannedByUser(users: Sequence<PlannedUser>): (key: string) => PlannedUser | undefined {
  const positions = nameIndex();
  let position = 0;
  for (const { user } of users) positions.add(userKey(user), position++);
  return (key) =>
    positions
      .find(key)
      .map((at) => users.at(at))
      .find((planned) => planned !== undefined && userKey(planned.user) === key);
}

function planExactly(planned: PlannedUser, state: DecodedState): UserPlan {
  const removals = new Map(planned.remove.map((each) => [`${each.digest} ${each.identifier}`, each.reason]));
  const items: PlanItem[] = [
    ...state.entries.map((registered) =>
      keepOrDelete(registered, removals.get(`${registered.digest} ${identifierText(registered.entry.identifier)}`)),
    ),
    ...planned.add.map(({ reason, ...addition }): PlanItem => ({ action: 'add', addition, reason })),
  ];
  const verdicts = planned.unchanged.map((each): Verdict => ({ kind: 'unchanged', ...each }));
  return planEntries(state, items, verdicts);
}

/** @throws MsmqCertError confirmation-needed */
function requirePlannedObject(user: User, request: Verb): void {
  if (request.verb === 'prune' || request.verb === 'clear') requireUserObject(user, request.includeComputers);
}

/** What the plan says must be confirmed, and what can be judged without it: a file may have been written by anybody. */
function refusalOf({ refusal }: PlannedUser, plan: UserPlan, request: Verb): MsmqCertError | null {
  if (refusal) {
    return new MsmqCertError(refusal.code, refusal.message, refusal.hint === null ? {} : { hint: refusal.hint });
  }
  switch (request.verb) {
    case 'prune':
      // without the computer accounts nobody can tell whether so many machines are gone
      return removalRefusal(plan, refusal === undefined && request.machineGone ? 0 : request.maxRemovals);
    case 'clear':
    case 'repair':
      return removalRefusal(plan, 0);
    default:
      return null;
  }
}

function isOfDomain({ account }: User, domain: string): boolean {
  return account.toLowerCase().startsWith(`${domain.toLowerCase()}\\`);
}

function otherDomain({ account }: User, domain: string): MsmqCertError {
  return new MsmqCertError('invalid-plan', `the plan was made for the domain ${domain}, and does not know ${account}`, {
    hint: 'apply it to the directory that it was made from',
  });
}

function outdated(user: User, problem: string): MsmqCertError {
  return new MsmqCertError('plan-outdated', `${user.account} ${problem}`, {
    hint: 'make a new plan, or let msmq-cert apply --replan plan this user anew',
  });
}
