import { command } from '../../advice.ts';
import { type Pair, pairKey } from '../../blob/pair.ts';
import { nameForCommand } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import type { Criteria, UserState } from '../../judge/state.ts';
import type { Planner } from '../plan.ts';
import { planPair } from '../plan-pair.ts';

/** One write of a run to one user that took, or of which nobody knows. */
export interface Written {
  before: Pair;
  /** How the pair stood once it had taken: see {@link pairKey}. */
  after: string;
}

/**
 * Puts back what a run found: exactly the bytes from before its first write to this user, provided that the user still
 * stands as the run left it. Who was changed since is left alone.
 * @param written gives the writes of the run to this user, in order; they are held no longer than it takes
 */
export function undoPlanner(written: () => readonly Written[], journal: string, criteria: Criteria): Planner {
  return (state) => {
    const original = originalOf(state, written());
    if (original === null) throw changedSince(state, journal);
    return planPair(state, original, criteria, 'undone');
  };
}

/** Follows the run's writes back from the state that stands now; null when it is none of them. */
function originalOf(state: UserState, written: readonly Written[]): Pair | null {
  const now = pairKey(state.pair);
  const last = written.findLastIndex(({ after }) => after === now);
  if (last < 0) return written.some(({ before }) => pairKey(before) === now) ? state.pair : null;

  let original: Pair | null = null;
  let expected = now;
  for (const { before, after } of written.slice(0, last + 1).reverse()) {
    if (after !== expected) continue;
    original = before;
    expected = pairKey(original);
  }
  return original;
}

function changedSince({ user }: UserState, journal: string): MsmqCertError {
  return new MsmqCertError(
    'changed-since',
    `${user.account} was changed after the run of ${journal}, and is left alone`,
    {
      hint: `${command('list', [nameForCommand(user)])} shows what is registered now`,
    },
  );
}
