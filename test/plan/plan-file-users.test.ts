import assert from 'node:assert/strict';
import { pairKey } from '../../src/blob/pair.ts';
import type { User } from '../../src/directory/directory.ts';
import type { PlanFile } from '../../src/plan/plan-file.ts';
import type { Wanted } from '../../src/plan/request.ts';
import { plannedPlanners } from '../../src/plan/verbs/apply.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { assertGrowsStraight } from '../growth.ts';
import { alice, sound, stateOf } from './states.ts';

const state = stateOf([sound('PC-1')]);
const nothing = { wanted: [], keep: [], remove: [], add: [], unchanged: [], failed: [] };

function planFor(count: number): PlanFile {
  const user = (index: number) => ({ ...alice, sid: `S-1-5-21-1-2-3-${index}`, account: `CORP\\user${index}` });
  return {
    kind: 'msmq-cert plan',
    schema: 1,
    createdAt: '2026-06-01T00:00:00Z',
    domain: 'CORP',
    request: { verb: 'register', mode: 'if-not-exists' },
    keys: {} as PlanFile['keys'],
    users: Array.from({ length: count }, (_, index) => ({
      user: user(index),
      base: pairKey(state.pair),
      refusal: null,
      ...nothing,
    })),
    errors: [],
  };
}

describe('the users of a plan file', () => {
  const plan = planFor(3);

  it('is that of the user whom it names, by GUID, SID or distinguished name', () => {
    const user = { ...alice, sid: 's-1-5-21-1-2-3-2', account: 'CORP\\renamed' };
    assert.deepEqual(
      plannedPlanners(plan, false, null)(user)({ ...state, user }).items.map(({ action }) => action),
      ['keep'],
    );
  });

  it('is refused for a user whom it does not know, and for one of another domain', () => {
    const stranger = { ...alice, sid: 'S-1-5-21-1-2-3-3' };
    const foreign = { ...alice, sid: 'S-1-5-21-1-2-3-2', account: 'OTHER\\user2' };
    for (const user of [stranger, foreign]) {
      assert.throws(() => plannedPlanners(plan, false, null)(user)({ ...state, user }), { code: 'invalid-plan' });
    }
  });

  it('is refused for a user who was changed since, unless it may be planned anew', () => {
    const user = { ...alice, sid: 'S-1-5-21-1-2-3-1' };
    const changed = { ...stateOf([sound('PC-1'), sound('PC-2')]), user };
    assert.throws(() => plannedPlanners(plan, false, null)(user)(changed), { code: 'plan-outdated' });
    const planned: unknown[] = [];
    const replan = (wanted: readonly Wanted[], whom: User) => {
      planned.push([wanted, whom]);
      return registerPlanner(wanted, 'if-not-exists');
    };
    assert.equal(plannedPlanners(plan, false, replan)(user)(changed).items.length, 2);
    assert.deepEqual(planned, [[[], user]]);
  });

  it('finds each user among many as fast as among few', async () => {
    await assertGrowsStraight((size) => {
      const many = planFor(size);
      const plannerOf = plannedPlanners(many, false, null);
      for (const { user } of many.users) plannerOf(user)({ ...state, user });
    });
  });
});
