import { type Entry, encodedBytes, entryBytes, MAX_BLOB_BYTES } from '../blob/codec.ts';
import { asBuffer, toHex } from '../blob/digest.ts';
import { changeTo, rewrite } from '../blob/edit.ts';
import { type Change, type Pair, samePair } from '../blob/pair.ts';
import type { User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { lossOf, pruneCommand } from '../inspect/prune-command.ts';
import type { DecodedState, Registered, UserState } from '../judge/state.ts';

/** Where the certificate of an addition comes from. */
export type Source =
  | { kind: 'new-key' }
  /** Somebody else's certificate, DER or PEM in a file, with its digest and size as DER when the file was checked. */
  | { kind: 'external'; file: string; digest: string; bytes: number; content?: string | undefined };

/** A certificate to be registered. New keys are made only when the plan is carried out. */
export interface Addition {
  machine: string | null;
  source: Source;
  validForMs: number | null;
  /** The digest of the entry that it takes the place of. */
  replaces: string | null;
}

/** One line of a plan: what happens to one entry, and why. */
export type PlanItem =
  | { action: 'keep'; registered: Registered; reason: string }
  | { action: 'delete'; registered: Registered; reason: string }
  /** An entry that stood there before comes back byte for byte. */
  | { action: 'restore'; registered: Registered; reason: string }
  /** The entry stays, and its Digest field becomes MD5 of its certificate. */
  | { action: 'correct'; registered: Registered; reason: string }
  | { action: 'add'; addition: Addition; reason: string };

/** What happens to a value of mSMQDigests for other reasons than that an entry comes, goes or is corrected. */
export interface DigestItem {
  action: 'add' | 'delete';
  digest: string;
  /** The entry that it belongs to, null when there is none. */
  registered: Registered | null;
  reason: string;
}

/** What the caller asked for and needs no change, or cannot be had. */
export type Verdict =
  | { kind: 'unchanged'; machine: string | null; digest: string | null }
  | { kind: 'failed'; machine: string | null; digest: string | null; error: MsmqCertError };

/** What the pair shall be. */
export type DesiredPair =
  /** These entries in this order; the digests follow the entries that come and go. */
  | { kind: 'entries'; entries: DesiredEntry[] }
  /** Exactly these bytes. */
  | { kind: 'pair'; pair: Pair };

export type DesiredEntry = { kind: 'existing'; entry: Entry } | { kind: 'new'; addition: Addition };

/**
 * What is to become of one user: the bytes it was made from, what happens to each entry, and what the pair shall be.
 * It is data: dry-run prints what apply carries out.
 */
export interface UserPlan {
  user: User;
  before: Pair;
  items: PlanItem[];
  digests: DigestItem[];
  verdicts: Verdict[];
  /** What people should know about it, one sentence each. */
  notes: string[];
  /** Why it is not carried out before somebody confirms it; null when nothing speaks against it. */
  refusal: MsmqCertError | null;
  desired: DesiredPair;
}

/** Makes the plan for one user from the state it was read in. Pure; what it refuses, it throws. */
export type Planner = (state: UserState) => UserPlan;

/**
 * A planner for all verbs that edit entries: a malformed blob is never overwritten.
 * @throws MalformedBlobError
 */
export function decodedOnly(plan: (state: DecodedState) => UserPlan): Planner {
  return (state) => {
    if (state.kind === 'malformed') throw state.error;
    return plan(state);
  };
}

/** The line for an entry that stands there: it goes when there is a reason to. */
export function keepOrDelete(registered: Registered, toDelete: string | undefined, toKeep = ''): PlanItem {
  return toDelete === undefined
    ? { action: 'keep', registered, reason: toKeep }
    : { action: 'delete', registered, reason: toDelete };
}

/** The plan that keeps, deletes and adds these, with additions after the entries that stay. */
export function planEntries(state: DecodedState, items: PlanItem[], verdicts: Verdict[]): UserPlan {
  const entries = items.flatMap((item): DesiredEntry[] => {
    if (item.action === 'keep') return [{ kind: 'existing', entry: item.registered.entry }];
    return item.action === 'add' ? [{ kind: 'new', addition: item.addition }] : [];
  });
  const desired: DesiredPair = { kind: 'entries', entries };
  return { user: state.user, before: state.pair, items, digests: [], verdicts, notes: [], refusal: null, desired };
}

export function additionsOf(plan: UserPlan): Addition[] {
  return plan.desired.kind === 'entries'
    ? plan.desired.entries.flatMap((each) => (each.kind === 'new' ? [each.addition] : []))
    : [];
}

export function changesSomething(plan: UserPlan): boolean {
  if (plan.desired.kind === 'pair') return !samePair(plan.before, plan.desired.pair);
  return plan.items.some((item) => item.action !== 'keep');
}

/**
 * The change that a plan stands for, once its additions have entries.
 * @param before the decoded entries of `plan.before`, the very objects that the plan was made from
 */
export function changeOf(plan: UserPlan, before: readonly Entry[], entryFor: (addition: Addition) => Entry): Change {
  const { desired } = plan;
  if (desired.kind === 'pair') return changeTo(plan.before, desired.pair);
  const after = desired.entries.map((each) => (each.kind === 'existing' ? each.entry : entryFor(each.addition)));
  return rewrite(plan.before, before, after);
}

/** What a certificate of ours takes at most, by key size in bits: a generous estimate, before any key is made. */
const CERTIFICATE_BYTES: Record<number, number> = { 2048: 1000, 3072: 1300, 4096: 1600 };

/**
 * Refuses a plan that would not fit into the user's attributes, before keys are made (specification §6).
 * A plan that adds nothing always passes: it makes room.
 * @throws MsmqCertError over-capacity
 */
export function guardCapacity(plan: UserPlan, maxCertificates: number, keySize: number): void {
  const additions = additionsOf(plan);
  if (additions.length === 0 || plan.desired.kind !== 'entries') return;

  const deleted = new Set(plan.items.flatMap((item) => (item.action === 'delete' ? [item.registered.digest] : [])));
  const left = plan.before.digests.filter((digest) => !deleted.has(toHex(digest))).length;
  const digests = Math.max(left + additions.length, plan.desired.entries.length);
  if (digests > maxCertificates) {
    throw new MsmqCertError(
      'over-capacity',
      `${plan.user.account} would have ${digests} certificates, more than the ${maxCertificates} that fit`,
      { hint: `${whatPruneFrees(plan)}; --max-certificates raises the limit where the directory takes more` },
    );
  }

  const bytes = projectedBytes(plan.desired.entries, keySize);
  if (bytes > MAX_BLOB_BYTES) {
    throw new MsmqCertError(
      'over-capacity',
      `the certificates of ${plan.user.account} would take ${bytes} bytes, more than the ${MAX_BLOB_BYTES} that fit`,
      { hint: whatPruneFrees(plan) },
    );
  }
}

function projectedBytes(desired: readonly DesiredEntry[], keySize: number): number {
  const existing = desired.flatMap((each) => (each.kind === 'existing' ? [each.entry] : []));
  const fresh = desired.flatMap((each) => (each.kind === 'new' ? [each.addition] : []));
  const guess = CERTIFICATE_BYTES[keySize] ?? 1600;
  return fresh.reduce(
    (bytes, { source }) => bytes + entryBytes(source.kind === 'external' ? source.bytes : guess),
    encodedBytes(existing),
  );
}

function whatPruneFrees(plan: UserPlan): string {
  const kept = plan.items.flatMap((item) => (item.action === 'keep' ? [item.registered] : []));
  const going = kept.filter(({ findings }) => findings.includes('expired') || findings.includes('superseded'));
  if (going.length === 0)
    return 'none has expired or is superseded: remove some that are not used, or use another account';
  const prune = pruneCommand(plan.user, lossOf(kept, going), '--expired', '--superseded');
  return `${prune} would free ${going.length}`;
}

/** Compares what two entries hold, whichever blob they were read from. */
export function sameEntry(a: Entry, b: Entry): boolean {
  return (
    asBuffer(a.digest).equals(b.digest) &&
    asBuffer(a.identifier).equals(b.identifier) &&
    asBuffer(a.certificate).equals(b.certificate)
  );
}
