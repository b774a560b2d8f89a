import { encode } from '../blob/codec.ts';
import { toHex } from '../blob/digest.ts';
import { changeTo } from '../blob/edit.ts';
import { type Pair, samePair } from '../blob/pair.ts';
import { assess, type Criteria, type MalformedState, type Registered, type UserState } from '../judge/state.ts';
import { type DigestItem, keepOrDelete, type PlanItem, type UserPlan, type Verdict } from './plan.ts';

/**
 * The plan that puts a user's pair exactly so, byte for byte: undo, restore and clear. Works on a malformed blob too;
 * its lines then name what can be read of it.
 */
export function planPair(state: UserState, desired: Pair, criteria: Criteria, reason: string): UserPlan {
  const after = readableEntries(assess(state.user, desired, criteria), criteria);
  const before = readableEntries(state, criteria);
  const staying = new Set(after.map(entryKey));
  const known = new Set(before.map(entryKey));
  const items: PlanItem[] = [
    ...before.map((registered) => keepOrDelete(registered, staying.has(entryKey(registered)) ? undefined : reason)),
    ...after
      .filter((registered) => !known.has(entryKey(registered)))
      .map((registered): PlanItem => ({ action: 'restore', registered, reason })),
  ];
  const verdicts: Verdict[] = samePair(state.pair, desired) ? [{ kind: 'unchanged', machine: null, digest: null }] : [];
  return {
    user: state.user,
    before: state.pair,
    items,
    digests: digestItems(state.pair, desired, items, reason),
    verdicts,
    notes: [],
    refusal: null,
    desired: { kind: 'pair', pair: desired },
  };
}

/** The digests that change without an entry of theirs that comes or goes. */
function digestItems(before: Pair, desired: Pair, items: readonly PlanItem[], reason: string): DigestItem[] {
  const { digestsToAdd, digestsToDelete } = changeTo(before, desired);
  const itemsFor = (action: DigestItem['action'], digests: readonly Uint8Array[], cause: 'restore' | 'delete') => {
    const explained = new Set(
      items.flatMap((item) => (item.action === cause ? [item.registered.digest, item.registered.md5] : [])),
    );
    const unexplained = digests.map(toHex).filter((digest) => !explained.has(digest));
    return unexplained.map((digest): DigestItem => ({ action, digest, registered: null, reason }));
  };
  return [...itemsFor('add', digestsToAdd, 'restore'), ...itemsFor('delete', digestsToDelete, 'delete')];
}

/** The entries of a user, of a malformed blob those before the break. */
function readableEntries(state: UserState, criteria: Criteria): Registered[] {
  return state.kind === 'decoded' ? state.entries : assessReadable(state, criteria);
}

function assessReadable({ user, pair, error }: MalformedState, criteria: Criteria): Registered[] {
  const readable = assess(user, { blob: encode(error.readable), digests: pair.digests }, criteria);
  return readable.kind === 'decoded' ? readable.entries : [];
}

function entryKey({ entry }: Registered): string {
  return [entry.digest, entry.identifier, entry.certificate].map(toHex).join();
}
