import { command } from '../../advice.ts';
import { sameMachine } from '../../certificate/machine.ts';
import type { User } from '../../directory/directory.ts';
import { nameForCommand } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import { byMachine, type DecodedState, isBroken, type MachineGroup, type Registered } from '../../judge/state.ts';
import type { PlanItem, Planner, Verdict } from '../plan.ts';
import { decodedOnly, keepOrDelete, planEntries } from '../plan.ts';

/** Which certificates get a new key. */
export type RenewScope =
  | { kind: 'broken' }
  /** Those that end within this many milliseconds from `nowMs`, the broken ones among them only if they have expired. */
  | { kind: 'expiring'; withinMs: number; nowMs: number }
  /** All of both. */
  | { kind: 'broken-or-expiring'; withinMs: number; nowMs: number }
  | { kind: 'all' };

export interface RenewRequest {
  scope: RenewScope;
  /** Only these machines; null for every machine of the user. */
  machines: readonly string[] | null;
  /** Keeps the old entry next to the new one, for messages that are queued or signed by running programs. */
  overlap: boolean;
  /**
   * Drops sound certificates of other makers too. Without it they stay beside the new one: Windows may have made one,
   * and senders that use the internal certificate go on signing with it (specification §9).
   */
  retire: boolean;
}

/**
 * Gives the machines in scope a new certificate. `replace` is this with the scope `all`: one modify for every machine.
 * A machine that has a sound certificate besides the one in scope needs no new one.
 */
export function renewPlanner(request: RenewRequest): Planner {
  return decodedOnly((state) => {
    const groups = byMachine(state.entries);
    const chosen = groups.filter((group) => isChosen(group.machine, request.machines));
    const decisions = chosen.map((group) => decide(group, request));
    const reasonFor = (registered: Registered) => [registered, whyDue(registered, request.scope)] as const;
    const leaving = new Map(decisions.flatMap(({ leaving }) => leaving.map(reasonFor)));
    const beside = new Set(decisions.flatMap(({ beside }) => beside));
    const items: PlanItem[] = [
      ...state.entries.map((registered) =>
        keepOrDelete(registered, leaving.get(registered), beside.has(registered) ? BESIDE : whyKept(registered)),
      ),
      ...decisions.flatMap(({ item }) => item ?? []),
    ];
    return planEntries(state, items, [
      ...decisions.flatMap(({ verdict }) => verdict ?? []),
      ...withoutEntry(request.machines ?? [], groups, state),
      ...withoutMachine(state, request),
    ]);
  });
}

const BESIDE = 'sound, and of another maker: it stays beside the new one until --retire or prune --superseded';

interface Decision {
  item: PlanItem | null;
  leaving: Registered[];
  /** Due, but kept for the sake of senders that this tool does not know. */
  beside: Registered[];
  verdict: Verdict | null;
}

function decide(group: MachineGroup, request: RenewRequest): Decision {
  const inScope = group.entries.filter((registered) => isDue(registered, request.scope));
  const spare = group.entries.findLast((registered) => !inScope.includes(registered) && !isBroken(registered));
  const due =
    spare === undefined ? inScope : inScope.filter((registered) => isDueBesideSpare(registered, request.scope));
  const newest = due.at(-1);
  const last = spare ?? group.entries.at(-1);
  if (newest === undefined) {
    const verdict = last && ({ kind: 'unchanged', machine: group.machine, digest: last.digest } as const);
    return { item: null, leaving: [], beside: [], verdict: verdict ?? null };
  }

  const leaving = request.overlap ? [] : due.filter((each) => request.retire || each.isOwnMake || isBroken(each));
  const beside = request.overlap ? [] : due.filter((each) => !leaving.includes(each));
  if (spare !== undefined) {
    const verdict = { kind: 'unchanged', machine: group.machine, digest: spare.digest } as const;
    return { item: null, leaving, beside, verdict: leaving.length === 0 ? verdict : null };
  }
  const replaces = leaving.at(-1)?.digest ?? null;
  const addition = { machine: group.machine, source: { kind: 'new-key' }, validForMs: null, replaces } as const;
  const reason = whyDue(newest, request.scope);
  return { item: { action: 'add', addition, reason }, leaving, beside, verdict: null };
}

function isDue(registered: Registered, scope: RenewScope): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'broken':
      return isBroken(registered);
    case 'expiring':
      return endsWithin(registered, scope);
    case 'broken-or-expiring':
      return isBroken(registered) || endsWithin(registered, scope);
  }
}

function endsWithin({ facts }: Registered, { withinMs, nowMs }: Extract<RenewScope, { withinMs: number }>): boolean {
  return facts.kind === 'certificate' && facts.notAfter.getTime() - nowMs <= withinMs;
}

/** What only ends may end by itself when there is a sound one that goes on. */
function isDueBesideSpare(registered: Registered, scope: RenewScope): boolean {
  if (scope.kind === 'broken-or-expiring') return isBroken(registered);
  return scope.kind !== 'expiring';
}

function whyDue(registered: Registered, scope: RenewScope): string {
  switch (scope.kind) {
    case 'all':
      return 'every certificate is renewed';
    case 'broken':
      return `broken: ${registered.findings.join(', ')}`;
    case 'expiring':
      return registered.findings.includes('expired') ? 'expired' : 'ends soon';
    case 'broken-or-expiring':
      return isBroken(registered) ? `broken: ${registered.findings.join(', ')}` : 'ends soon';
  }
}

function whyKept({ machine, candidates }: Registered): string {
  if (machine !== null) return '';
  return candidates.length === 0
    ? 'it names no machine that is known'
    : `it names more than one: ${candidates.join(', ')}`;
}

function isChosen(machine: string, machines: readonly string[] | null): boolean {
  return machines === null || machines.some((each) => sameMachine(each, machine));
}

/** A machine that was named but has no certificate is an error: a selector that matches nothing is a mistake. */
function withoutEntry(machines: readonly string[], groups: readonly MachineGroup[], state: DecodedState): Verdict[] {
  return machines
    .filter((machine) => !groups.some((group) => sameMachine(group.machine, machine)))
    .map((machine) => ({
      kind: 'failed',
      machine,
      digest: null,
      error: new MsmqCertError('machine-not-found', `${state.user.account} has no certificate for ${machine}`, {
        hint: `${command('register', [nameForCommand(state.user)], ['--machine', machine])} makes one`,
      }),
    }));
}

/** What is broken but whose machine is not certain cannot be renewed, and must not pass for repaired. */
function withoutMachine(state: DecodedState, { scope, machines }: RenewRequest): Verdict[] {
  if (machines !== null || (scope.kind !== 'broken' && scope.kind !== 'broken-or-expiring')) return [];
  return state.entries
    .filter((registered) => registered.machine === null && isBroken(registered))
    .map((registered) => ({
      kind: 'failed',
      machine: null,
      digest: registered.digest,
      error: machineNotCertain(registered, state.user),
    }));
}

function machineNotCertain({ digest, md5, candidates }: Registered, user: User): MsmqCertError {
  const about = `the broken certificate ${digest} of ${user.account}`;
  const [first] = candidates;
  if (first !== undefined) {
    return new MsmqCertError('machine-not-found', `${about} names more than one computer: ${candidates.join(', ')}`, {
      hint: `if it is that of ${first}, say so with --machine-of ${md5}=${first}`,
    });
  }
  const prune = command('prune', [nameForCommand(user)], ['--digest', digest]);
  return new MsmqCertError('machine-not-found', `${about} names no machine to make a new one for`, {
    hint: `say whose it is with --machine-of ${md5}=<machine>, or remove it: ${prune}`,
  });
}
