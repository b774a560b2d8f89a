import { type Listed, type User, userKey } from '../directory/directory.ts';
import type { MsmqCertError } from '../errors.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { JournalItem } from '../journal/records.ts';
import { factsOf, type UserFacts } from '../judge/facts.ts';
import { assess, type Criteria } from '../judge/state.ts';
import { onlyPieces, type Piece, piecesOf } from '../plan/pieces.ts';
import type { Planner, Verdict } from '../plan/plan.ts';
import type { PlannerFor } from './planners.ts';

/** One object that a run works on, or that could not be read. */
export type Selected =
  | { kind: 'user'; user: User; facts: UserFacts; narrow: (planner: Planner) => Planner }
  | { kind: 'unread'; name: string; error: MsmqCertError };

export interface Selection {
  plannerFor: PlannerFor;
  criteria: Criteria;
  /** The journal of the run that this one goes on with: who stands there is looked at, whatever the listing says. */
  history: JournalHistory | null;
  /** Whether something is to be delivered to a user, who is then looked at too. */
  isOwed(user: User): boolean;
  /** At most so many certificates in the whole run, those that end first; null for all. */
  limit: number | null;
  /** Called with each user that the run does not work on. */
  untouched(facts: UserFacts): void;
  /** Called with certificates that the limit leaves for another run. */
  putOff(certificates: number): void;
}

/** The planners for a run over everybody, of whom most do not have what was named: that is no mistake as it is for one user. */
export function forEveryone(plannerFor: PlannerFor): PlannerFor {
  return (wanted, user) => {
    const planner = plannerFor(wanted, user);
    return (state) => {
      const plan = planner(state);
      return { ...plan, verdicts: plan.verdicts.filter((verdict) => !isNotThere(verdict)) };
    };
  };
}

function isNotThere(verdict: Verdict): boolean {
  if (verdict.kind !== 'failed') return false;
  const { machine, error } = verdict;
  return error.code === 'digest-not-found' || (error.code === 'machine-not-found' && machine !== null);
}

/**
 * Picks those who need something from a listing, by the pairs that it reads: only they are read again, planned and
 * written. Holds one object at a time; with a limit, a few facts for each certificate within it.
 */
export async function* select(listed: AsyncIterable<Listed>, selection: Selection): AsyncGenerator<Selected> {
  const { limit, history, isOwed, untouched } = selection;
  const waiting = limit === null ? null : shortlist(limit - doneIn(history), selection);
  for await (const each of listed) {
    if (each.kind === 'unread') {
      yield each;
      continue;
    }
    const need = needOf(each, selection);
    const begun = history?.users.get(userKey(each.user));
    if (need.kind === 'nothing' && begun === undefined && !isOwed(each.user)) untouched(need.facts);
    else if (need.kind !== 'pieces' || waiting === null) yield whole(each.user, need.facts);
    else if (begun?.last === 'swapped') yield only(each.user, need.facts, []);
    else waiting.add({ user: each.user, isBegun: begun !== undefined, facts: need.facts }, need.pieces);
  }
  if (waiting !== null) yield* waiting.chosen();
}

/** `look`: it is to be told of, but nothing can be changed. */
type Need = { facts: UserFacts } & ({ kind: 'nothing' } | { kind: 'look' } | { kind: 'pieces'; pieces: Piece[] });

function needOf({ user, pair }: Extract<Listed, { kind: 'read' }>, { plannerFor, criteria }: Selection): Need {
  const state = assess(user, pair, criteria);
  const facts = factsOf(state);
  try {
    const plan = plannerFor([], user)(state);
    const pieces = piecesOf(plan);
    if (pieces.length > 0 && plan.refusal === null) return { kind: 'pieces', pieces, facts };
    const isFailing = plan.refusal !== null || plan.verdicts.some(({ kind }) => kind === 'failed');
    return { kind: isFailing ? 'look' : 'nothing', facts };
  } catch {
    // whoever works on the user meets it again, and tells
    return { kind: 'look', facts };
  }
}

function whole(user: User, facts: UserFacts): Selected {
  return { kind: 'user', user, facts, narrow: (planner) => planner };
}

function only(user: User, facts: UserFacts, pieces: readonly Piece[]): Selected {
  const keys = new Set(pieces.map(({ key }) => key));
  return { kind: 'user', user, facts, narrow: (planner) => onlyPieces(planner, keys) };
}

interface Candidate {
  user: User;
  /** An earlier process of this run has begun with it, so it is looked at in any case. */
  isBegun: boolean;
  facts: UserFacts;
}

interface Waiting {
  candidate: Candidate;
  piece: Piece;
}

/** The pieces that end first, as many as fit: from time to time those that cannot be among them are forgotten. */
function shortlist(limit: number, { untouched, putOff }: Selection) {
  let waiting: Waiting[] = [];

  function forget(): void {
    const kept = new Set(first(waiting, limit));
    const users = new Set([...kept].map(({ candidate }) => candidate));
    const dropped = waiting.filter((each) => !kept.has(each));
    for (const { piece } of dropped) putOff(piece.certificates);
    for (const candidate of new Set(dropped.map((each) => each.candidate))) {
      if (!users.has(candidate)) untouched(candidate.facts);
    }
    waiting = [...kept];
  }

  return {
    add(candidate: Candidate, pieces: readonly Piece[]): void {
      for (const piece of pieces) waiting.push({ candidate, piece });
      if (waiting.length > 2 * Math.max(limit, 0) + 1000) forget();
    },
    *chosen(): Generator<Selected> {
      forget();
      const byUser = Map.groupBy(waiting, ({ candidate }) => candidate);
      for (const [{ user, facts }, pieces] of byUser) {
        yield only(
          user,
          facts,
          pieces.map(({ piece }) => piece),
        );
      }
    },
  };
}

/** What had been begun comes before the rest; one that is larger than the limit is done when it is the very first. */
function first(waiting: readonly Waiting[], limit: number): Waiting[] {
  const inOrder = waiting.toSorted(
    (a, b) => Number(b.candidate.isBegun) - Number(a.candidate.isBegun) || a.piece.endsAt - b.piece.endsAt,
  );
  let left = limit;
  let isOver = left <= 0;
  return inOrder.filter(({ candidate, piece: { certificates } }, index) => {
    isOver ||= index > 0 && certificates > left;
    left -= certificates;
    return !isOver || candidate.isBegun;
  });
}

/** How many certificates earlier processes of the run have done. */
function doneIn(history: JournalHistory | null): number {
  let done = 0;
  for (const key of history?.users.keys() ?? []) {
    for (const { intent, outcome } of history?.of(key)?.swaps ?? []) {
      if (outcome?.outcome === 'swapped') done += certificatesIn(intent.items);
    }
  }
  return done;
}

function certificatesIn(items: readonly JournalItem[]): number {
  const made = items.filter(({ action }) => action === 'added' || action === 'replaced').length;
  return made > 0 ? made : items.filter(({ action }) => action === 'removed').length;
}
