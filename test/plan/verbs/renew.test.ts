import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sameMachine } from '../../../src/certificate/machine.ts';
import { byMachine, isBroken } from '../../../src/judge/state.ts';
import { changesSomething, type UserPlan } from '../../../src/plan/plan.ts';
import { type RenewRequest, type RenewScope, renewPlanner } from '../../../src/plan/verbs/renew.ts';
import { arbitrarySketch, now, type Sketch, sound, stateAfter, stateOf } from '../states.ts';

const DAY = 86_400_000;
const broken: RenewRequest = { scope: { kind: 'broken' }, machines: null, overlap: false, retire: false };
const all: RenewRequest = { scope: { kind: 'all' }, machines: null, overlap: false, retire: false };
const within30Days: RenewRequest = { ...broken, scope: { kind: 'expiring', withinMs: 30 * DAY, nowMs: now.getTime() } };

function plan(sketches: Sketch[], request: RenewRequest): UserPlan {
  return renewPlanner(request)(stateOf(sketches));
}

function lines({ items }: UserPlan): string[] {
  return items.map((item) =>
    item.action === 'add' ? `add ${item.addition.machine}` : `${item.action} ${item.registered.machine}`,
  );
}

describe('renewing broken certificates', () => {
  const missing: Sketch = { machine: 'PC-2', findings: ['digest-missing'], daysLeft: 900 };

  it('replaces the broken ones and nothing else', () => {
    const made = plan([sound('PC-1'), missing, sound(null)], broken);
    assert.deepEqual(lines(made), ['keep PC-1', 'delete PC-2', 'keep null', 'add PC-2']);
    assert.deepEqual(
      made.verdicts.map(({ kind, machine }) => [kind, machine]),
      [['unchanged', 'PC-1']],
    );
  });

  it('makes no new one for a machine that has a sound one besides', () => {
    assert.deepEqual(lines(plan([missing, sound('pc-2.corp.example')], broken)), [
      'delete PC-2',
      'keep pc-2.corp.example',
    ]);
  });

  it('keeps the broken one with overlap', () => {
    assert.deepEqual(lines(plan([missing], { ...broken, overlap: true, retire: false })), ['keep PC-2', 'add PC-2']);
  });

  it('does not pass over a broken one that names no machine', () => {
    const foreign: Sketch = { machine: null, findings: ['not-a-certificate'], daysLeft: 0 };
    const [verdict] = plan([foreign], broken).verdicts;
    assert.ok(verdict?.kind === 'failed');
    assert.equal(verdict.error.code, 'machine-not-found');
  });

  it('leaves no broken certificate behind, touches nothing sound, and has nothing to do the second time', () => {
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), (sketches) => {
        const before = stateOf(sketches);
        const made = renewPlanner(broken)(before);
        for (const item of made.items) {
          if (item.action === 'delete') assert.ok(isBroken(item.registered));
          if (item.action === 'keep') assert.ok(!isBroken(item.registered) || item.registered.machine === null);
        }
        const after = stateAfter(made, before);
        assert.equal(changesSomething(renewPlanner(broken)(after)), false);
        const machinesBefore = byMachine(before.entries).map(({ machine }) => machine);
        const machinesAfter = byMachine(after.entries).map(({ machine }) => machine);
        for (const machine of machinesBefore) assert.ok(machinesAfter.some((each) => sameMachine(each, machine)));
      }),
    );
  });
});

describe('renewing certificates of other makers', () => {
  const foreign: Sketch = { ...sound('PC-1'), isForeign: true };
  const brokenForeign: Sketch = { machine: 'PC-2', findings: ['expired'], daysLeft: -1, isForeign: true };

  it('keeps sound ones beside the new one and drops broken ones', () => {
    const made = plan([foreign, brokenForeign, sound('PC-3')], all);
    assert.deepEqual(lines(made), ['keep PC-1', 'delete PC-2', 'delete PC-3', 'add PC-1', 'add PC-2', 'add PC-3']);
    const [kept, , , added] = made.items;
    assert.match(kept?.reason ?? '', /^sound, and of another maker/);
    assert.equal(added?.action === 'add' && added.addition.replaces, null);
  });

  it('drops sound ones too when they are retired', () => {
    assert.deepEqual(lines(plan([foreign], { ...all, retire: true })), ['delete PC-1', 'add PC-1']);
  });

  it('drops its own earlier one the next time, and still keeps the other', () => {
    assert.deepEqual(lines(plan([foreign, sound('PC-1')], all)), ['keep PC-1', 'delete PC-1', 'add PC-1']);
  });
});

describe('renewing what ends soon', () => {
  it('renews what ends within the time, and the expired ones', () => {
    const made = plan(
      [sound('PC-1', 29), sound('PC-2', 31), { machine: 'PC-3', findings: ['expired'], daysLeft: -1 }],
      within30Days,
    );
    assert.deepEqual(lines(made), ['delete PC-1', 'keep PC-2', 'delete PC-3', 'add PC-1', 'add PC-3']);
  });

  it('leaves a machine alone whose next certificate is there already', () => {
    assert.deepEqual(lines(plan([sound('PC-1', 5), sound('PC-1', 2900)], within30Days)), ['keep PC-1', 'keep PC-1']);
  });

  it('has nothing to do the second time, also with overlap', () => {
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), fc.boolean(), (sketches, overlap) => {
        const request = { ...within30Days, overlap, retire: false };
        const before = stateOf(sketches);
        const after = stateAfter(renewPlanner(request)(before), before);
        assert.equal(changesSomething(renewPlanner(request)(after)), false);
      }),
    );
  });
});

describe('replacing', () => {
  it('gives every machine one new certificate in one plan', () => {
    assert.deepEqual(lines(plan([sound('PC-1'), sound('PC-1'), sound('PC-2'), sound(null)], all)), [
      'delete PC-1',
      'delete PC-1',
      'delete PC-2',
      'keep null',
      'add PC-1',
      'add PC-2',
    ]);
  });

  it('replaces only the machines that are named, and refuses one that has none', () => {
    const made = plan([sound('PC-1'), sound('PC-2')], { ...all, machines: ['pc-2', 'PC-9'] });
    assert.deepEqual(lines(made), ['keep PC-1', 'delete PC-2', 'add PC-2']);
    assert.deepEqual(
      made.verdicts.map((verdict) => [verdict.machine, verdict.kind === 'failed' && verdict.error.code]),
      [['PC-9', 'machine-not-found']],
    );
  });

  it('never leaves a machine without a certificate, whatever the scope', () => {
    const scope = fc.constantFrom<RenewScope>(
      { kind: 'all' },
      { kind: 'broken' },
      { kind: 'expiring', withinMs: 90 * DAY, nowMs: now.getTime() },
      { kind: 'broken-or-expiring', withinMs: 90 * DAY, nowMs: now.getTime() },
    );
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), scope, fc.boolean(), (sketches, each, overlap) => {
        const made = plan(sketches, { scope: each, machines: null, overlap, retire: false });
        const left = made.items.flatMap((item) => {
          if (item.action === 'add') return item.addition.machine ?? [];
          return item.action === 'keep' ? (item.registered.machine ?? []) : [];
        });
        for (const { machine } of sketches) {
          if (machine !== null) assert.ok(left.some((name) => sameMachine(name, machine)));
        }
        if (overlap) assert.ok(made.items.every(({ action }) => action !== 'delete'));
      }),
    );
  });
});

describe('renewing broken and ending certificates in one run', () => {
  const scope: RenewScope = { kind: 'broken-or-expiring', withinMs: 30 * DAY, nowMs: now.getTime() };
  const both: RenewRequest = { ...broken, scope };
  const missing: Sketch = { machine: 'PC-1', findings: ['digest-missing'], daysLeft: 900 };

  it('says for each why it goes', () => {
    const { items } = plan([missing, sound('PC-1', 10), sound('PC-2', 10), sound('PC-3')], both);
    assert.deepEqual(
      items.map(({ action, reason }) => [action, reason]),
      [
        ['delete', 'broken: digest-missing'],
        ['delete', 'ends soon'],
        ['delete', 'ends soon'],
        ['keep', ''],
        ['add', 'ends soon'],
        ['add', 'ends soon'],
      ],
    );
  });

  it('drops what is broken and lets the other end where a sound one goes on', () => {
    assert.deepEqual(lines(plan([missing, sound('PC-1', 10), sound('PC-1')], both)), [
      'delete PC-1',
      'keep PC-1',
      'keep PC-1',
    ]);
  });

  it('does not let a broken one pass whose machine is not certain', () => {
    const made = plan([{ ...missing, machine: null }], both);
    assert.deepEqual(
      made.verdicts.map((verdict) => verdict.kind === 'failed' && verdict.error.code),
      ['machine-not-found'],
    );
  });

  it('makes new ones for exactly the machines that either would make one for', () => {
    const newOnes = (sketches: Sketch[], request: RenewRequest) =>
      plan(sketches, request).items.flatMap((item) => (item.action === 'add' ? `${item.addition.machine}` : []));
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), (sketches) => {
        const either = new Set([...newOnes(sketches, broken), ...newOnes(sketches, within30Days)]);
        assert.deepEqual(new Set(newOnes(sketches, both)), either);
      }),
    );
  });

  it('keeps every certificate that is sound and goes on, and drops every broken one of a known machine', () => {
    fc.assert(
      fc.property(fc.array(arbitrarySketch()), (sketches) => {
        for (const item of plan(sketches, both).items) {
          if (item.action === 'add') continue;
          const { registered } = item;
          const { facts, machine } = registered;
          const ends = facts.kind === 'certificate' && facts.notAfter.getTime() - now.getTime() <= 30 * DAY;
          if (isBroken(registered)) assert.equal(item.action, machine === null ? 'keep' : 'delete');
          else if (!ends) assert.equal(item.action, 'keep');
        }
      }),
    );
  });
});
