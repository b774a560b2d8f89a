import assert from 'node:assert/strict';
import fc from 'fast-check';
import { onlyPieces, piecesOf } from '../../src/plan/pieces.ts';
import { renewPlanner } from '../../src/plan/verbs/renew.ts';
import { repairPlanner } from '../../src/plan/verbs/repair.ts';
import { criteria } from '../run/scripted-run.ts';
import { arbitrarySketch, now, type Sketch, sound, stateOf } from './states.ts';

const DAY = 86_400_000;
const planner = renewPlanner({
  scope: { kind: 'broken-or-expiring', withinMs: 30 * DAY, nowMs: now.getTime() },
  machines: null,
  overlap: false,
  retire: false,
});
const expired: Sketch = { machine: 'pc-1.corp.example', findings: ['expired'], daysLeft: -9 };

describe('the pieces of a plan', () => {
  it('are one a machine that gets a new certificate, with the first end of its old ones', () => {
    const pieces = piecesOf(planner(stateOf([sound('PC-1', 5), expired, sound('PC-2', 7), sound('PC-3')])));
    assert.deepEqual(
      pieces.map(({ endsAt, certificates }) => [(endsAt - now.getTime()) / DAY, certificates]),
      [
        [-9, 1],
        [7, 1],
      ],
    );
  });

  it('are one an entry where nothing takes its place', () => {
    const pieces = piecesOf(planner(stateOf([expired, { ...expired, daysLeft: -8 }, sound('PC-1')])));
    assert.deepEqual(
      pieces.map(({ endsAt, certificates }) => [(endsAt - now.getTime()) / DAY, certificates]),
      [
        [-9, 1],
        [-8, 1],
      ],
    );
  });

  it('are one for a repair, which does a user whole', () => {
    const state = stateOf([sound('PC-1', 5), sound('PC-2', 7)]);
    const repaired = repairPlanner(
      { salvage: false, confirmed: false },
      criteria,
    )({
      ...state,
      pair: { ...state.pair, digests: [] },
    });
    assert.deepEqual(
      piecesOf(repaired).map(({ endsAt, certificates }) => [(endsAt - now.getTime()) / DAY, certificates]),
      [[5, 2]],
    );
  });

  it('can be done some at a time, and then leave every other entry as it is', () => {
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), fc.array(fc.boolean()), (sketches, choice) => {
        const state = stateOf(sketches);
        const all = piecesOf(planner(state));
        const chosen = all.filter((_, index) => choice[index] ?? false);
        const keys = new Set(chosen.map(({ key }) => key));
        const plan = onlyPieces(planner, keys)(state);
        assert.deepEqual(piecesOf(plan), chosen);
        assert.equal(plan.items.filter(({ action }) => action !== 'add').length, sketches.length);
        assert.deepEqual(onlyPieces(planner, new Set(all.map(({ key }) => key)))(state), planner(state));
      }),
    );
  });
});
