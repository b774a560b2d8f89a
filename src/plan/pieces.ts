import { machineIndex } from '../certificate/machine.ts';
import type { Registered } from '../judge/state.ts';
import { type PlanItem, type Planner, planEntries, type UserPlan } from './plan.ts';

/** What a plan does about one machine, or about one entry that nothing takes the place of: done whole or not at all. */
export interface Piece {
  /** The same in a plan that was made anew. */
  key: string;
  /** When the first of its certificates ends, in milliseconds since 1970; minus infinity for what is none. */
  endsAt: number;
  /** How many certificates are made, or where none is made, taken away or put right. */
  certificates: number;
}

/** A plan for the exact bytes of a pair is one piece. */
export function piecesOf(plan: UserPlan): Piece[] {
  if (plan.desired.kind === 'pair') return pairPieces(plan);
  const keyOf = keysIn(plan);
  const pieces = new Map<string, Piece & { isNew: boolean }>();
  for (const item of plan.items) {
    const key = keyOf(item);
    if (key === null) continue;
    const piece = pieces.get(key) ?? { key, endsAt: Number.POSITIVE_INFINITY, certificates: 0, isNew: false };
    pieces.set(key, piece);
    if (item.action === 'add') {
      piece.certificates = piece.isNew ? piece.certificates + 1 : 1;
      piece.isNew = true;
    } else {
      if (item.action !== 'keep' && !piece.isNew) piece.certificates++;
      piece.endsAt = Math.min(piece.endsAt, endOf(item.registered));
    }
  }
  return [...pieces.values()].filter(({ certificates }) => certificates > 0).map(({ isNew: _, ...piece }) => piece);
}

function pairPieces({ items, digests }: UserPlan): Piece[] {
  const touched = items.flatMap((item) => (item.action === 'keep' || item.action === 'add' ? [] : [item.registered]));
  const certificates = touched.length + digests.length;
  if (certificates === 0) return [];
  const about = [...touched, ...digests.flatMap(({ registered }) => registered ?? [])];
  return [{ key: '', endsAt: Math.min(...about.map(endOf)), certificates }];
}

/** The planner that does only these pieces and leaves the rest for another time. */
export function onlyPieces(planner: Planner, keys: ReadonlySet<string>): Planner {
  return (state) => {
    const plan = planner(state);
    if (plan.desired.kind === 'pair' || state.kind !== 'decoded') return plan;
    const keyOf = keysIn(plan);
    const items = plan.items.flatMap((item): PlanItem[] => {
      const key = keyOf(item);
      if (item.action === 'keep' || key === null || keys.has(key)) return [item];
      return item.action === 'add' ? [] : [{ action: 'keep', registered: item.registered, reason: LATER }];
    });
    const { notes, refusal } = plan;
    return { ...planEntries(state, items, plan.verdicts), notes, refusal };
  };
}

const LATER = 'left for another run by --limit';

/** An entry whose machine gets a new certificate belongs to it; any other is by itself. Null for one that just stays. */
function keysIn(plan: UserPlan): (item: PlanItem) => string | null {
  const machines = machineIndex<string>();
  for (const item of plan.items) {
    if (item.action === 'add' && item.addition.machine !== null)
      machines.addNew(item.addition.machine, `machine ${item.addition.machine.toLowerCase()}`);
  }
  return (item) => {
    if (item.action === 'add') {
      const { machine, source } = item.addition;
      return (machine === null ? null : machines.find(machine)) ?? `add ${source.kind === 'external' && source.digest}`;
    }
    const { machine, digest } = item.registered;
    const ofMachine = machine === null ? undefined : machines.find(machine);
    return ofMachine ?? (item.action === 'keep' ? null : `entry ${digest}`);
  };
}

function endOf({ facts }: Registered): number {
  return facts.kind === 'certificate' ? facts.notAfter.getTime() : Number.NEGATIVE_INFINITY;
}
