import type { Entry } from '../blob/codec.ts';
import { identifierText } from '../blob/identifier.ts';
import type { KeyFiles } from '../certificate/key-files/key-files.ts';
import type { User } from '../directory/directory.ts';
import type { MsmqCertError } from '../errors.ts';
import type { Registered } from '../judge/state.ts';
import type { Addition, DigestItem, UserPlan, Verdict } from './plan.ts';

/** A certificate that is ready to be registered: its private key, if it is ours, is on disk. */
export interface Prepared {
  entry: Entry;
  digest: string;
  /** Null for an external certificate. */
  files: KeyFiles | null;
}

/**
 * Whether a certificate has come to where it is used. `pending`: it was not tried yet; `failed`: the last try failed.
 */
export interface Delivery {
  state: 'delivered' | 'pending' | 'failed';
  /** How it was tried in this run, null when it was not. */
  hook: { outcome: 'done' | 'failed'; status: string; output: string } | null;
}

/** What became of one certificate; with dry-run, what would become of it. */
export interface ItemResult {
  machine: string | null;
  action: 'added' | 'replaced' | 'removed' | 'unchanged' | 'failed';
  /** Of the certificate that was added, or else of the one that this is about; null while no key is made. What only came to or left mSMQDigests is told by its digest alone. */
  digest: string | null;
  identifier: string | null;
  replacedDigest: string | null;
  files: KeyFiles | null;
  error: MsmqCertError | null;
  /** Only there when it was to be delivered. */
  delivery?: Delivery;
}

/** What became of one user. `pending` is what dry-run answers where a run would change something. */
export interface UserResult {
  user: User;
  plan: UserPlan | null;
  outcome: 'changed' | 'pending' | 'unchanged' | 'failed';
  items: ItemResult[];
  conflictsRetried: number;
  /** An earlier process of the same run had done it; this one only saw that it stands. */
  doneBefore?: true;
  leftKeys?: readonly LeftKeys[];
}

/** Key files of the run that it is done with, though no registered certificate belongs to them. */
export type LeftKeys =
  | { kind: 'orphaned'; path: string }
  /** A key sink was given the key; its files here are gone. */
  | { kind: 'handed-over'; account: string; digest: string }
  /** They are not what the run wrote, and have other names now. */
  | { kind: 'set-aside'; path: string; why: string };

/** Counts over a run. A replaced certificate counts as one added and one removed. */
export interface Summary {
  users: number;
  added: number;
  removed: number;
  unchanged: number;
  failed: number;
  conflictsRetried: number;
  /** Certificates that an earlier process of the run had registered or removed; they are in no other count. */
  doneBefore?: number;
  /** Only there when something was to be delivered. */
  delivered?: number;
  undelivered?: number;
  /** Only there when everybody was looked at: those who were not worked on, and are counted nowhere else. */
  untouched?: number;
  /** Certificates that --limit left for another run. */
  putOff?: number;
}

/** The results of a plan: one a certificate that was added or dropped, one a request that needed nothing or failed. */
export function itemsOf(plan: UserPlan, preparedFor: (addition: Addition) => Prepared | null): ItemResult[] {
  const replaced = new Set<string>();
  const added = plan.items.flatMap((item): ItemResult[] => {
    if (item.action === 'restore') return [restoredItem(item.registered)];
    if (item.action === 'correct') return [correctedItem(item.registered)];
    if (item.action !== 'add') return [];
    if (item.addition.replaces !== null) replaced.add(item.addition.replaces);
    return [addedItem(item.addition, preparedFor(item.addition))];
  });
  const removed = plan.items.flatMap((item): ItemResult[] =>
    item.action === 'delete' && !replaced.has(item.registered.digest) ? [removedItem(item.registered)] : [],
  );
  const digests = plan.digests.map(digestItem);
  return [...added, ...removed, ...digests, ...plan.verdicts.map((verdict) => verdictItem(verdict, plan))];
}

function correctedItem(registered: Registered): ItemResult {
  const { digest, md5 } = registered;
  return { ...restoredItem(registered), action: 'replaced', digest: md5, replacedDigest: digest };
}

/** A digest that comes or goes by itself; without an entry it has no identifier. */
function digestItem({ action, digest, registered }: DigestItem): ItemResult {
  return {
    machine: registered?.machine ?? null,
    action: action === 'add' ? 'added' : 'removed',
    digest,
    identifier: registered === null ? null : identifierText(registered.entry.identifier),
    replacedDigest: null,
    files: null,
    error: null,
  };
}

function addedItem(addition: Addition, prepared: Prepared | null): ItemResult {
  return {
    machine: addition.machine,
    action: addition.replaces === null ? 'added' : 'replaced',
    digest: prepared?.digest ?? (addition.source.kind === 'external' ? addition.source.digest : null),
    identifier: prepared === null ? null : identifierText(prepared.entry.identifier),
    replacedDigest: addition.replaces,
    files: prepared?.files ?? null,
    error: null,
  };
}

function removedItem(registered: Registered): ItemResult {
  return { ...restoredItem(registered), action: 'removed' };
}

function restoredItem({ machine, digest, entry }: Registered): ItemResult {
  const identifier = identifierText(entry.identifier);
  return { machine, action: 'added', digest, identifier, replacedDigest: null, files: null, error: null };
}

function verdictItem(verdict: Verdict, plan: UserPlan): ItemResult {
  if (verdict.kind === 'failed') return failedItem(verdict.machine, verdict.digest, verdict.error);
  return {
    machine: verdict.machine,
    action: 'unchanged',
    digest: verdict.digest,
    identifier: verdict.digest === null ? null : identifierOf(verdict.digest, plan),
    replacedDigest: null,
    files: null,
    error: null,
  };
}

function identifierOf(digest: string, plan: UserPlan): string | null {
  for (const item of plan.items) {
    if (item.action !== 'add' && item.registered.digest === digest) {
      return identifierText(item.registered.entry.identifier);
    }
  }
  return null;
}

export function failedItem(machine: string | null, digest: string | null, error: MsmqCertError): ItemResult {
  return { machine, action: 'failed', digest, identifier: null, replacedDigest: null, files: null, error };
}

export function emptySummary(): Summary {
  return { users: 0, added: 0, removed: 0, unchanged: 0, failed: 0, conflictsRetried: 0 };
}

export function count(summary: Summary, result: Pick<UserResult, 'items' | 'conflictsRetried' | 'doneBefore'>): void {
  summary.users++;
  summary.conflictsRetried += result.conflictsRetried;
  for (const { action, delivery } of result.items) {
    if (delivery !== undefined) countDelivery(summary, delivery);
    if (result.doneBefore && action !== 'unchanged' && action !== 'failed') {
      summary.doneBefore = (summary.doneBefore ?? 0) + 1;
      continue;
    }
    if (action === 'added' || action === 'replaced') summary.added++;
    if (action === 'removed' || action === 'replaced') summary.removed++;
    if (action === 'unchanged') summary.unchanged++;
    if (action === 'failed') summary.failed++;
  }
}

function countDelivery(summary: Summary, { state }: Delivery): void {
  const { delivered = 0, undelivered = 0 } = summary;
  const isDelivered = state === 'delivered';
  summary.delivered = delivered + (isDelivered ? 1 : 0);
  summary.undelivered = undelivered + (isDelivered ? 0 : 1);
}
