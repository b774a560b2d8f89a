import { type DecodedEntry, type Entry, encode } from '../../blob/codec.ts';
import { toHex } from '../../blob/digest.ts';
import { type Pair, samePair } from '../../blob/pair.ts';
import { type Salvaged, salvage } from '../../blob/salvage.ts';
import { counted } from '../../counted.ts';
import { MsmqCertError } from '../../errors.ts';
import {
  assess,
  type Criteria,
  type DecodedState,
  type MalformedState,
  type Registered,
  type UserState,
} from '../../judge/state.ts';
import type { DigestItem, PlanItem, Planner, UserPlan } from '../plan.ts';

export interface RepairRequest {
  /** Takes on a malformed blob too: keeps what can be read and drops the rest. */
  salvage: boolean;
  /** Somebody agreed to lose what cannot be read. */
  confirmed: boolean;
}

/**
 * Makes the two halves of a pair agree (specification §2): the digests follow the blob. An entry's Digest field becomes
 * MD5 of its certificate, a certificate stands there once, and mSMQDigests holds the digest of each and nothing else. No
 * certificate is made or lost; only a salvage loses what nobody can read.
 */
export function repairPlanner(request: RepairRequest, criteria: Criteria): Planner {
  return (state) => {
    if (state.kind === 'decoded') return planRepair(state, state.pair);
    if (!request.salvage) throw state.error;
    return planSalvage(state, request, criteria);
  };
}

/** @param before the pair as it stands, which is not that of `state` when a blob is salvaged */
function planRepair(state: DecodedState, before: Pair): UserPlan {
  const items = state.entries.map(repairEntry);
  const desired = pairAfter(items, state);
  const settled = samePair(desired, before);
  return {
    user: state.user,
    before,
    items,
    digests: digestItems(items, state.pair, desired),
    verdicts: settled ? [{ kind: 'unchanged', machine: null, digest: null }] : [],
    notes: [],
    refusal: null,
    desired: { kind: 'pair', pair: desired },
  };
}

function repairEntry(registered: Registered): PlanItem {
  const { findings } = registered;
  if (findings.includes('digest-duplicate')) {
    return { action: 'delete', registered, reason: 'digest-duplicate: an entry before it holds the same certificate' };
  }
  if (findings.includes('digest-mismatch')) {
    return { action: 'correct', registered, reason: `digest-mismatch: its certificate has ${registered.md5}` };
  }
  return { action: 'keep', registered, reason: '' };
}

/** A blob that needs no change keeps its bytes, also one that holds a count of zero. */
function pairAfter(items: readonly PlanItem[], { pair }: DecodedState): Pair {
  const entries = items.flatMap(entryAfter);
  const digests = entries.map(({ digest }) => digest);
  if (items.every(({ action }) => action === 'keep')) return { blob: pair.blob, digests };
  return { blob: encode(entries), digests };
}

function entryAfter(item: PlanItem): Entry[] {
  if (item.action === 'keep') return [item.registered.entry];
  if (item.action !== 'correct') return [];
  const { entry, md5 } = item.registered;
  return [{ ...entry, digest: Buffer.from(md5, 'hex') }];
}

function digestItems(items: readonly PlanItem[], before: Pair, desired: Pair): DigestItem[] {
  const listed = new Set(before.digests.map(toHex));
  const wanted = new Set(desired.digests.map(toHex));
  const explained = new Set(
    items.flatMap((item) => (item.action === 'correct' || item.action === 'delete' ? [item.registered.digest] : [])),
  );
  const missing = items.flatMap((item): DigestItem[] => {
    if (item.action !== 'keep' || listed.has(item.registered.md5)) return [];
    const reason = 'digest-missing: receivers cannot find the user by this certificate';
    return [{ action: 'add', digest: item.registered.md5, registered: item.registered, reason }];
  });
  const orphans = [...listed]
    .filter((digest) => !wanted.has(digest) && !explained.has(digest))
    .map((digest): DigestItem => {
      const reason = 'digest-orphan: no certificate has this digest';
      return { action: 'delete', digest, registered: null, reason };
    });
  return [...missing, ...orphans];
}

function planSalvage(state: MalformedState, { confirmed }: RepairRequest, criteria: Criteria): UserPlan {
  const salvaged = salvage(state.pair.blob ?? Buffer.alloc(0));
  const readable = assessEntries(state, salvaged.entries, criteria);
  const plan = planRepair(readable, state.pair);
  const desired = { ...pairOf(plan), blob: salvaged.entries.length === 0 ? null : pairOf(plan).blob };
  return {
    ...plan,
    desired: { kind: 'pair', pair: desired },
    verdicts: [],
    notes: notesOn(salvaged, state),
    refusal: confirmed ? null : confirmationNeeded(salvaged, state),
  };
}

function assessEntries(state: UserState, entries: readonly DecodedEntry[], criteria: Criteria): DecodedState {
  const assessed = assess(state.user, { blob: encode(entries), digests: state.pair.digests }, criteria);
  if (assessed.kind === 'decoded') return assessed;
  throw assessed.error;
}

function pairOf({ desired, before }: UserPlan): Pair {
  return desired.kind === 'pair' ? desired.pair : before;
}

function notesOn({ entries, lost, statedCount }: Salvaged, { error }: MalformedState): string[] {
  const count = statedCount === null ? 'no count' : `a count of ${statedCount}`;
  return [
    `the blob broke at byte ${error.offset}: expected ${error.expected}`,
    `it has ${count}, and ${counted(entries.length, 'entry', 'entries')} that can be read`,
    ...lost.map(({ offset, bytes }) => `lost: ${counted(bytes, 'byte')} from byte ${offset} on, which are no entry`),
    ...(lost.length === 0 ? ['nothing is lost: every byte belongs to an entry that can be read'] : []),
  ];
}

function confirmationNeeded({ lost }: Salvaged, { user }: MalformedState): MsmqCertError {
  const bytes = lost.reduce((sum, each) => sum + each.bytes, 0);
  const message = `the salvage would write the malformed blob of ${user.account} anew, without ${counted(bytes, 'byte')} of it`;
  return new MsmqCertError('confirmation-needed', message, {
    hint: '--dry-run shows what would be kept and lost; --yes saves the original value to a file and goes ahead',
  });
}
