import { command } from '../../advice.ts';
import { applyChange, changeTo, rewrite } from '../../blob/edit.ts';
import { sameMachine } from '../../certificate/machine.ts';
import { counted } from '../../counted.ts';
import { nameForCommand } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import { LARGEST_SHARE_GONE } from '../../inspect/prune-command.ts';
import { ambiguousDigest, findDigest } from '../../judge/find-digest.ts';
import type { Machines } from '../../judge/machines.ts';
import { byMachine, type DecodedState, isBroken, type Registered, startOf } from '../../judge/state.ts';
import { requireUserObject } from '../object-guard.ts';
import {
  type DigestItem,
  decodedOnly,
  keepOrDelete,
  type PlanItem,
  type Planner,
  planEntries,
  type UserPlan,
  type Verdict,
} from '../plan.ts';
import type { PruneRequest } from '../request.ts';

const GONE = 'machine-gone: no computer account has this name';

/** Says why an entry goes, null when this policy keeps it. */
type Policy = (registered: Registered) => string | null;

/**
 * Removes the entries that any of the policies names, and their digests. An entry that cannot be read has no machine and
 * no dates and stays, unless its digest is named. A digest without an entry goes when it is named.
 * @param machines the computer accounts, null when no policy asks for them
 */
export function prunePlanner(request: PruneRequest, now: Date, machines: Machines | null): Planner {
  return decodedOnly((state) => {
    requireUserObject(state.user, request.includeComputers);
    const policies = policiesFor(state, request, now, machines);
    const items = state.entries.map((registered) => {
      const reason = policies.map((policy) => policy(registered)).find((each) => each !== null);
      return keepOrDelete(registered, reason ?? undefined, whyKept(registered, request.machineGone ? machines : null));
    });
    const orphans = state.orphanDigests.filter((digest) => request.digests.includes(digest));
    const plan = withoutDigests(planEntries(state, items, verdictsFor(state, items, request)), state, orphans);
    const doubt = machines === null ? null : doubtOf(plan, state, machines);
    return {
      ...plan,
      notes: [...notesOn(items), ...(doubt === null ? [] : [doubt])],
      refusal: request.confirmed ? null : (removalRefusal(plan, request.maxRemovals) ?? doubtful(doubt)),
    };
  });
}

function policiesFor(state: DecodedState, request: PruneRequest, now: Date, machines: Machines | null): Policy[] {
  const { expired, supersededForMs, keepNewest, digests, machines: named } = request;
  const ofFacts = [
    ...(expired ? [expiredPolicy] : []),
    ...(supersededForMs === null ? [] : [supersededPolicy(state, supersededForMs, now)]),
    ...(keepNewest === null ? [] : [newestPolicy(state, keepNewest)]),
    ...(named.length === 0 ? [] : [machinePolicy(named)]),
    ...(machines === null ? [] : [accountPolicy(machines, request)]),
  ];
  const ofReadable = ofFacts.map(
    (policy): Policy =>
      (registered) =>
        isReadable(registered) ? policy(registered) : null,
  );
  return [...ofReadable, digestPolicy(state, digests)];
}

const expiredPolicy: Policy = ({ findings }) => (findings.includes('expired') ? 'expired' : null);

/** An overlap ends: the machine has had a newer sound certificate for long enough. */
function supersededPolicy(state: DecodedState, forMs: number, now: Date): Policy {
  const superseded = new Map<Registered, string>();
  for (const { entries } of byMachine(state.entries)) {
    const newest = entries.findLastIndex((registered) => !isBroken(registered));
    const successor = entries[newest];
    if (successor === undefined || now.getTime() - startOf(successor) < forMs) continue;
    for (const registered of entries.slice(0, newest)) {
      if (registered.md5 !== successor.md5) superseded.set(registered, `superseded by ${successor.digest}`);
    }
  }
  return (registered) => superseded.get(registered) ?? null;
}

/** The entry that stands later in the blob was registered later, when two begin at the same time. */
function newestPolicy({ entries }: DecodedState, count: number): Policy {
  const readable = entries.filter(isReadable);
  const oldestFirst = readable.toSorted((a, b) => startOf(a) - startOf(b));
  const leaving = new Set(oldestFirst.slice(0, Math.max(0, readable.length - count)));
  return (registered) => (leaving.has(registered) ? `not among the ${count} newest` : null);
}

function machinePolicy(named: readonly string[]): Policy {
  return ({ machine }) => (isNamed(machine, named) ? 'its machine was named' : null);
}

function accountPolicy(machines: Machines, { machineGone, machineInactiveMs }: PruneRequest): Policy {
  return (registered) => {
    const finding = machines.judge(registered);
    if (finding === 'machine-gone' && machineGone) return GONE;
    if (finding === 'machine-inactive' && machineInactiveMs !== null) return 'machine-inactive: no logon for too long';
    return null;
  };
}

/** What is not found, or means more than one, is a verdict of its own. */
function digestPolicy({ entries }: DecodedState, prefixes: readonly string[]): Policy {
  const digests = prefixes.flatMap((prefix) => {
    const found = findDigest(entries, prefix);
    return found.kind === 'found' ? [found.digest] : [];
  });
  return ({ digest, md5 }) => (digests.includes(digest) || digests.includes(md5) ? 'its digest was named' : null);
}

function isReadable({ facts }: Registered): boolean {
  return facts.kind === 'certificate';
}

function isNamed(machine: string | null, named: readonly string[]): boolean {
  return machine !== null && named.some((each) => sameMachine(each, machine));
}

/** @param machines where it is asked which machines are gone */
function whyKept(registered: Registered, machines: Machines | null): string {
  const { facts } = registered;
  if (facts.kind !== 'certificate') return `it cannot be read: ${facts.reason}`;
  return machines?.mayBeElsewhere(registered) ? 'its machine may be in a domain that could not be read' : '';
}

/** A selector that matches nothing is a mistake; a policy that matches nothing has nothing to do. */
function verdictsFor(state: DecodedState, items: readonly PlanItem[], request: PruneRequest): Verdict[] {
  const { user, entries, orphanDigests } = state;
  const unknownMachines = request.machines.filter((name) => !entries.some(({ machine }) => isNamed(machine, [name])));
  const verdicts = [
    ...unknownMachines.map((machine): Verdict => {
      const error = new MsmqCertError('machine-not-found', `${user.account} has no certificate for ${machine}`, {
        hint: `${command('list', [nameForCommand(user)])} shows the machines; entries whose subject names none go by --digest`,
      });
      return { kind: 'failed', machine, digest: null, error };
    }),
    ...request.digests.flatMap((digest): Verdict[] => {
      const error = digestError(state, digest);
      return error === null ? [] : [{ kind: 'failed', machine: null, digest, error }];
    }),
  ];
  const isOrphan = request.digests.some((digest) => orphanDigests.includes(digest));
  const nothing = verdicts.length === 0 && !isOrphan && items.every(({ action }) => action === 'keep');
  return nothing ? [{ kind: 'unchanged', machine: null, digest: null }] : verdicts;
}

function digestError({ user, entries, orphanDigests }: DecodedState, digest: string): MsmqCertError | null {
  if (orphanDigests.includes(digest)) return null;
  const found = findDigest(entries, digest);
  if (found.kind === 'found') return null;
  if (found.kind === 'ambiguous') return ambiguousDigest(user.account, digest, found.digests);
  return new MsmqCertError('digest-not-found', `${user.account} has no certificate with ${digest}`, {
    hint: `${command('list', [nameForCommand(user)])} shows the digests`,
  });
}

function notesOn(items: readonly PlanItem[]): string[] {
  const unreadable = items.flatMap((item) =>
    item.action === 'keep' && !isReadable(item.registered) ? [item.registered.digest] : [],
  );
  if (unreadable.length === 0) return [];
  return [`entries that cannot be read are kept; --digest removes one: ${unreadable.join(', ')}`];
}

/** Why it must not be believed that machines are gone; null when nothing speaks against it, or none would go for it. */
function doubtOf({ user, items }: UserPlan, { entries }: DecodedState, machines: Machines): string | null {
  if (!items.some(({ action, reason }) => action === 'delete' && reason === GONE)) return null;
  if (machines.gap !== null) return `${machines.gap}, so machines of ${user.account} may only seem to be gone`;
  const groups = byMachine(entries.filter(isReadable));
  const gone = groups.filter((group) => group.entries.some((each) => machines.judge(each) === 'machine-gone')).length;
  if (gone <= groups.length * LARGEST_SHARE_GONE) return null;
  const which = groups.length === 1 ? 'the only machine' : `${gone} of the ${groups.length} machines`;
  const found = counted(machines.size, 'computer account');
  return `${which} of ${user.account} ${gone === 1 ? 'is' : 'are'} not among the ${found} that could be found, more than a quarter`;
}

function doubtful(doubt: string | null): MsmqCertError | null {
  if (doubt === null) return null;
  return new MsmqCertError('machines-unknown', doubt, {
    hint: 'look at them with --dry-run; --yes goes ahead where they really left, and msmq-cert undo puts them back',
  });
}

/** Why so many removals must be confirmed; null when they need not be. */
export function removalRefusal({ user, items }: UserPlan, maxRemovals: number): MsmqCertError | null {
  const removals = items.filter(({ action }) => action === 'delete').length;
  const most = Math.min(maxRemovals, Math.floor(items.length / 2));
  if (removals <= most) return null;
  const limit = removals > maxRemovals ? `more than ${maxRemovals}` : 'more than half';
  return new MsmqCertError(
    'too-many-removals',
    `${items.length === 1 ? 'the only certificate' : `${removals} of the ${items.length} certificates`} of ${user.account} would be removed, ${limit}`,
    { hint: 'look at them with --dry-run; --yes goes ahead, and msmq-cert undo puts them back' },
  );
}

/**
 * The same plan, which also takes away these digests that no entry has.
 * @param plan one that adds no certificate
 */
function withoutDigests(plan: UserPlan, { pair, entries }: DecodedState, orphans: readonly string[]): UserPlan {
  if (orphans.length === 0) return plan;
  const kept = plan.items.flatMap((item) => (item.action === 'keep' ? [item.registered.entry] : []));
  const before = entries.map(({ entry }) => entry);
  // entries that all stay keep their bytes, also those of a count of zero
  const change = kept.length === before.length ? changeTo(pair, pair) : rewrite(pair, before, kept);
  const { blob, digests } = applyChange(pair, change);
  const items = orphans.map((digest): DigestItem => {
    return { action: 'delete', digest, registered: null, reason: 'its digest was named, and no certificate has it' };
  });
  const left = digests.filter((digest) => !orphans.includes(Buffer.from(digest).toString('hex')));
  return { ...plan, digests: items, desired: { kind: 'pair', pair: { blob, digests: left } } };
}
