import assert from 'node:assert/strict';
import { pairKey } from '../../src/blob/pair.ts';
import { entryName } from '../../src/blob/registered.ts';
import { type RecordOf, recordSchema } from '../../src/journal/records.ts';
import type { DecodedState } from '../../src/judge/state.ts';
import { planPair } from '../../src/plan/plan-pair.ts';
import { unlessDone } from '../../src/queue/swaps.ts';
import { alice, criteria, sound, stateOf } from '../plan/states.ts';

type Intent = RecordOf<'intent'>;
type Outcome = RecordOf<'outcome'>['outcome'] | null;

const at = '2026-06-01T00:00:00.000Z';
const nothing = { blob: Buffer.alloc(0), digests: [] };
const other = 'ab'.repeat(32);

describe('a planner after what other workers wrote to a user', () => {
  const state = stateOf([sound('PC-1'), sound('PC-2')]);
  const item = (action: Intent['items'][number]['action'], of: number, from = state) => {
    const entry = from.entries[of]?.entry;
    assert.ok(entry !== undefined);
    return { machine: 'PC-1', action, ...entryName(entry), replacedDigest: null, files: null, error: null };
  };

  /** As it is read from the database. */
  function swap(outcome: Outcome, changes: Partial<Record<keyof Intent, unknown>>) {
    const user = { account: alice.account, dn: alice.dn, sid: alice.sid, guid: alice.guid, protected: false };
    const before = { blob: '', digests: [] };
    const facts = {
      type: 'intent',
      at,
      server: 'dc1',
      user,
      before,
      after: other,
      digestsAdded: [],
      digestsRemoved: [],
    };
    const intent = recordSchema.parse({ ...facts, items: [], ...changes });
    const told = recordSchema.parse({
      type: 'outcome',
      at,
      user: alice.account,
      outcome: outcome ?? 'refused',
      error: null,
    });
    assert.ok(intent.type === 'intent' && told.type === 'outcome');
    return { intent, outcome: outcome === null ? null : told };
  }

  /** Asked for, the planner takes everything away. */
  function isLeftAlone(swaps: ReturnType<typeof swap>[], of: DecodedState = state): boolean {
    const planner = unlessDone((seen) => planPair(seen, nothing, criteria, 'asked for'), swaps, criteria);
    const { desired, verdicts } = planner(of);
    assert.ok(desired.kind === 'pair');
    const isAlone = pairKey(desired.pair) === pairKey(of.pair);
    assert.equal(isAlone, verdicts[0]?.kind === 'unchanged');
    return isAlone;
  }

  const cases: [what: string, swaps: ReturnType<typeof swap>[], alone: boolean][] = [
    ['of nobody', [], false],
    ['to exactly this pair', [swap('swapped', { after: pairKey(state.pair) })], true],
    ['to exactly this pair, whose end nobody saw', [swap(null, { after: pairKey(state.pair) })], true],
    ['to exactly this pair, which was refused', [swap('refused', { after: pairKey(state.pair) })], false],
    ['to exactly this pair, which met a conflict', [swap('conflict', { after: pairKey(state.pair) })], false],
    ['to another pair', [swap('swapped', {})], false],
    ['that added what still stands, beside what came since', [swap(null, { items: [item('added', 0)] })], true],
    ['that replaced what still stands', [swap('swapped', { items: [item('replaced', 1)] })], true],
    [
      'that added what does not stand any more',
      [swap('swapped', { items: [item('added', 2, stateOf([sound('A'), sound('B'), sound('C')]))] })],
      false,
    ],
    ['that only took away', [swap('swapped', { items: [item('removed', 0)] })], false],
    ['that left one as it was', [swap('swapped', { items: [item('unchanged', 0)] })], false],
    [
      'that did not come to it, then one that did',
      [swap('conflict', { items: [item('added', 0)] }), swap(null, { items: [item('added', 0)] })],
      true,
    ],
  ];
  for (const [what, swaps, alone] of cases) {
    it(`${alone ? 'leaves him alone' : 'does what is asked for'} after a write ${what}`, () => {
      assert.equal(isLeftAlone(swaps), alone);
    });
  }

  it('does what is asked for where one of two that were added is gone', () => {
    const three = stateOf([sound('A'), sound('B'), sound('C')]);
    const written = swap('swapped', { items: [item('added', 0, three), item('added', 2, three)] });
    assert.equal(isLeftAlone([written], three), true);
    assert.equal(isLeftAlone([written]), false);
  });
});
