import type { Pair } from '../blob/pair.ts';
import { MsmqCertError } from '../errors.ts';
import type { UserHistory } from './journal/read.ts';
import { pairFrom, pairKey } from './journal/records.ts';
import type { Planner } from './plan.ts';
import { planPair } from './plan-pair.ts';
import type { UserState, Yardstick } from './state.ts';

/**
 * Puts back what a run found: exactly the bytes from before its first write to this user, provided that the user still
 * stands as the run left it. Who was changed since is left alone.
 */
export function undoPlanner(history: UserHistory | undefined, journal: string, yardstick: Yardstick): Planner {
  return (state) => {
    const original = history === undefined ? null : originalOf(state, history);
    if (original === null) throw changedSince(state, journal);
    return planPair(state, original, yardstick, 'undone');
  };
}

/** Follows the run's writes back from the state that stands now; null when it is none of them. */
function originalOf(state: UserState, { swaps }: UserHistory): Pair | null {
  const written = swaps.filter(({ outcome }) => outcome === null || outcome.outcome === 'swapped');
  const now = pairKey(state.pair);
  const last = written.findLastIndex(({ intent }) => intent.after === now);
  if (last < 0) return written.some(({ intent }) => pairKey(pairFrom(intent.before)) === now) ? state.pair : null;

  let original: Pair | null = null;
  let expected = now;
  for (const { intent } of written.slice(0, last + 1).reverse()) {
    if (intent.after !== expected) continue;
    original = pairFrom(intent.before);
    expected = pairKey(original);
  }
  return original;
}

function changedSince({ user }: UserState, journal: string): MsmqCertError {
  return new MsmqCertError(
    'changed-since',
    `${user.account} was changed after the run of ${journal}, and is left alone`,
    {
      hint: `msmq-cert list ${user.account} shows what is registered now`,
    },
  );
}
