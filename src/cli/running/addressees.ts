import type { Listing, ObjectKind, Scope, User } from '../../directory/directory.ts';
import { ofShard } from '../../directory/shard.ts';
import { readAllComputers } from '../../judge/all-computers.ts';
import { criteriaToday } from '../../judge/criteria.ts';
import type { UserFacts } from '../../judge/facts.ts';
import type { KnownComputers } from '../../judge/recognise.ts';
import type { Criteria } from '../../judge/state.ts';
import type { Everyone, KeySettingsRecord, Request } from '../../plan/request.ts';
import { failedItem } from '../../plan/results.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { forEveryone, type Selected, select } from '../../run/everyone.ts';
import { type PlannerFor, plannersFor } from '../../run/planners.ts';
import {
  type RunControl,
  type RunObserver,
  type RunOutcome,
  run,
  runSelected,
  type UnknownUser,
} from '../../run/run.ts';
import { type Recognition, tellNoComputers } from '../recognition.ts';
import type { Chosen } from './chosen-users.ts';

/** Those whom a run is for, and how they are judged. */
export interface Addressees {
  criteria: Criteria;
  plannerFor: PlannerFor;
  /** @param plannerFor those above, or others that stand for the same */
  run(
    plannerFor: PlannerFor,
    context: ApplyContext,
    control: RunControl,
    observer: RunObserver & {
      /** A user who was looked at and is not worked on. */
      untouched(facts: UserFacts): void;
      /** A user whom a listing has shown is worked on. */
      selected?(user: User, facts: UserFacts): void;
    },
  ): Promise<RunOutcome>;
}

/** @throws MsmqCertError what plannersFor throws, and what the directory says */
export async function addresseesOf(
  { request, targets, everyone }: Chosen & { request: Request },
  directory: Listing,
  recognition: Recognition,
  keys: KeySettingsRecord,
): Promise<Addressees> {
  if (everyone !== undefined) return await everyoneIn(directory, request, everyone, recognition, keys);
  const judged = criteriaToday(recognition, keys);
  return {
    criteria: judged,
    plannerFor: await plannersFor(request, judged, directory),
    run: (plannerFor, context, control, observer) => run(targets, plannerFor, context, control, observer),
  };
}

async function everyoneIn(
  directory: Listing,
  request: Request,
  everyone: Everyone,
  recognition: Recognition,
  keys: KeySettingsRecord,
): Promise<Addressees> {
  const { judged, planners } = await plannersForEveryone(directory, request, recognition, keys);
  return {
    criteria: judged,
    plannerFor: planners,
    run: async (plannerFor, context, control, observer) => {
      let [untouched, putOff] = [0, 0];
      const listed = directory.users(scopeOf(everyone));
      const selected = select(control.shard ? ofShard(listed, control.shard) : listed, {
        plannerFor: planners,
        criteria: judged,
        history: control.history,
        isOwed: control.isOwed ?? (() => false),
        limit: everyone.limit,
        untouched(facts) {
          untouched++;
          observer.untouched(facts);
        },
        putOff(certificates) {
          putOff += certificates;
        },
      });
      const outcome = await runSelected(told(selected, observer.selected), plannerFor, context, control, observer);
      const counts = everyone.limit === null ? { untouched } : { untouched, putOff };
      return { ...outcome, summary: { ...outcome.summary, ...counts } };
    },
  };
}

/** Those of a listing who need something, for whoever works on them elsewhere and looks again. */
export async function* selectedUsers(
  directory: Listing,
  { request, everyone, recognition, keys, onUnknown }: SelectionOf,
): AsyncGenerator<{ user: User; wanted: [] }> {
  const { judged, planners } = await plannersForEveryone(directory, request, recognition, keys);
  const selected = select(directory.users(scopeOf(everyone)), {
    plannerFor: planners,
    criteria: judged,
    history: null,
    isOwed: () => false,
    limit: null,
    untouched: () => {},
    putOff: () => {},
  });
  for await (const each of selected) {
    if (each.kind === 'user') yield { user: each.user, wanted: [] };
    else onUnknown({ name: each.name, items: [failedItem(null, null, each.error)] });
  }
}

interface SelectionOf {
  request: Request;
  everyone: Everyone;
  recognition: Recognition;
  keys: KeySettingsRecord;
  onUnknown(user: UnknownUser): void;
}

async function plannersForEveryone(
  directory: Listing,
  request: Request,
  recognition: Recognition,
  keys: KeySettingsRecord,
): Promise<{ judged: Criteria; planners: PlannerFor }> {
  const { machines, listing } = await readAllComputers(directory);
  const judged = criteriaToday({ ...recognition, computers: machines.size === 0 ? unreadable() : machines }, keys);
  return { judged, planners: forEveryone(await plannersFor(request, judged, listing)) };
}

/** No computer account can be read, which matters once a certificate names one. */
function unreadable(): KnownComputers {
  let isTold = false;
  return {
    named() {
      if (!isTold) tellNoComputers();
      isTold = true;
      return [];
    },
    lookUp: async () => false,
  };
}

async function* told(
  selected: AsyncIterable<Selected>,
  tell: ((user: User, facts: UserFacts) => void) | undefined,
): AsyncGenerator<Selected> {
  for await (const each of selected) {
    if (each.kind === 'user') tell?.(each.user, each.facts);
    yield each;
  }
}

function scopeOf({ filter, includeComputers }: Everyone): Scope {
  const computers: ObjectKind[] = includeComputers ? ['computer', 'managed-service-account'] : [];
  return { kind: 'all', filter, include: new Set<ObjectKind>(['user', ...computers]) };
}
