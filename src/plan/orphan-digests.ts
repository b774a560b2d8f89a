import { applyChange, changeTo, rewrite } from '../blob/edit.ts';
import type { DecodedState } from '../judge/state.ts';
import type { DigestItem, UserPlan } from './plan.ts';

/**
 * The same plan, which also takes away these digests that no entry has.
 * @param plan one that adds no certificate
 */
export function withoutDigests(plan: UserPlan, { pair, entries }: DecodedState, orphans: readonly string[]): UserPlan {
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
