import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sameMachine } from '../../../src/certificate/machine.ts';
import { MsmqCertError } from '../../../src/errors.ts';
import { isBroken } from '../../../src/judge/state.ts';
import { changesSomething, guardCapacity } from '../../../src/plan/plan.ts';
import type { Wanted } from '../../../src/plan/request.ts';
import { registerPlanner } from '../../../src/plan/verbs/register.ts';
import { assertGrowsStraight } from '../../growth.ts';
import { arbitrarySketch, machineNames, sound, stateAfter, stateOf } from '../states.ts';

function forMachine(machine: string): Wanted {
  return { machine, source: { kind: 'new-key' }, validForMs: null };
}

describe('registering', () => {
  it('keeps a machine of another domain that comes after a bare name that was a repeat', () => {
    const wanted = ['pc-1.a.example', 'PC-1', 'pc-1.b.example'].map(forMachine);
    const plan = registerPlanner(wanted, 'if-not-exists')(stateOf([]));
    assert.deepEqual(
      plan.items.map((item) => item.action === 'add' && item.addition.machine),
      ['pc-1.a.example', 'pc-1.b.example'],
    );
  });

  it('keeps a sound certificate of another maker beside the one that is made always', () => {
    const foreign = { ...sound('PC-1'), isForeign: true };
    const { items } = registerPlanner([forMachine('PC-1')], 'always')(stateOf([foreign]));
    assert.deepEqual(
      items.map(({ action }) => action),
      ['keep', 'add'],
    );
    assert.equal(registerPlanner([forMachine('PC-1')], 'if-not-exists')(stateOf([foreign])).items.length, 1);
  });

  it('plans as fast for many machines of one user as for few', async () => {
    await assertGrowsStraight((size) => {
      const machines = Array.from({ length: size }, (_, index) => `pc-${index}`);
      registerPlanner(
        machines.map(forMachine),
        'if-not-exists',
      )(stateOf(machines.slice(0, size / 4).map((name) => sound(name))));
    });
    await assertGrowsStraight((size) => {
      const machines = Array.from({ length: size }, (_, index) => `pc.d${index}`);
      registerPlanner(machines.map(forMachine), 'if-not-exists')(stateOf(machines.map((name) => sound(name))));
    });
  });

  it('leaves a machine with a sound certificate alone', () => {
    const plan = registerPlanner([forMachine('pc-1')], 'if-not-exists')(stateOf([sound('PC-1.corp.example')]));
    assert.equal(changesSomething(plan), false);
    assert.deepEqual(
      plan.verdicts.map(({ kind, machine }) => [kind, machine]),
      [['unchanged', 'pc-1']],
    );
  });

  it('replaces a broken one, and says which', () => {
    const state = stateOf([{ machine: 'PC-1', findings: ['digest-missing'], daysLeft: 9 }]);
    const plan = registerPlanner([forMachine('PC-1')], 'if-not-exists')(state);
    const [removal, addition] = plan.items;
    assert.equal(removal?.action, 'delete');
    assert.ok(addition?.action === 'add');
    assert.equal(addition.addition.replaces, state.entries[0]?.digest);
    assert.match(addition.reason, /digest-missing/);
  });

  it('drops every old one of the machine when asked for anew', () => {
    const plan = registerPlanner(
      [forMachine('PC-1')],
      'always',
    )(stateOf([sound('PC-1'), sound('PC-1'), sound('PC-2')]));
    assert.deepEqual(
      plan.items.map(({ action }) => action),
      ['delete', 'delete', 'keep', 'add'],
    );
  });

  it('ends with a sound certificate for each machine, keeps all others, and has nothing to do the second time', () => {
    const requested = fc.uniqueArray(fc.constantFrom(...machineNames), { comparator: sameMachine });
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), requested, (sketches, machines) => {
        const planner = registerPlanner(machines.map(forMachine), 'if-not-exists');
        const before = stateOf(sketches);
        const plan = planner(before);
        for (const item of plan.items) {
          if (item.action !== 'delete') continue;
          const { machine } = item.registered;
          assert.ok(isBroken(item.registered) && machine !== null);
          assert.ok(machines.some((each) => sameMachine(each, machine)));
        }
        const after = stateAfter(plan, before);
        for (const machine of machines) {
          assert.ok(
            after.entries.some(
              (each) => each.machine !== null && sameMachine(each.machine, machine) && !isBroken(each),
            ),
          );
        }
        assert.equal(changesSomething(planner(after)), false);
      }),
    );
  });
});

describe('the capacity guard', () => {
  const full = stateOf(Array.from({ length: 10 }, (_, index) => sound(`PC-${index}`)));

  it('refuses one more than fits, before any key is made', () => {
    const plan = registerPlanner([forMachine('NEW')], 'if-not-exists')(full);
    guardCapacity(plan, 11, 2048);
    assert.throws(
      () => guardCapacity(plan, 10, 2048),
      (error) =>
        error instanceof MsmqCertError &&
        error.code === 'over-capacity' &&
        /11 certificates, more than the 10/.test(error.message),
    );
  });

  it('lets a full account replace what it has', () => {
    guardCapacity(registerPlanner([forMachine('PC-3')], 'always')(full), 10, 2048);
  });

  it('counts orphan digests, which take room too', () => {
    const state = stateOf([sound('PC-1')]);
    state.pair.digests.push(...Array.from({ length: 9 }, (_, index) => Buffer.alloc(16, 100 + index)));
    const plan = registerPlanner([forMachine('NEW')], 'if-not-exists')(state);
    assert.throws(() => guardCapacity(plan, 10, 2048), /more than the 10 that fit/);
  });

  it('refuses a blob that would grow over its limit', () => {
    const requests = Array.from(
      { length: 17 },
      (_, index): Wanted => ({
        machine: null,
        source: { kind: 'external', file: 'huge.cer', digest: `${index}`, bytes: 65_000 },
        validForMs: null,
      }),
    );
    const plan = registerPlanner(requests, 'if-not-exists')(stateOf([]));
    assert.throws(() => guardCapacity(plan, 820, 2048), /bytes, more than the 1048576 that fit/);
  });
});
