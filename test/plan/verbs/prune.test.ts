import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encode } from '../../../src/blob/codec.ts';
import { sameMachine } from '../../../src/certificate/machine.ts';
import type { Computer, Surrounding, Survey } from '../../../src/directory/directory.ts';
import { machineRegister } from '../../../src/judge/machines.ts';
import { noComputers } from '../../../src/judge/recognise.ts';
import { assess } from '../../../src/judge/state.ts';
import { computersFor } from '../../../src/plan/computers.ts';
import { changesSomething, type UserPlan } from '../../../src/plan/plan.ts';
import type { PruneRequest } from '../../../src/plan/request.ts';
import { prunePlanner } from '../../../src/plan/verbs/prune.ts';
import { alice, arbitrarySketch, machineNames, now, type Sketch, sound, stateAfter, stateOf } from '../states.ts';

const DAY = 86_400_000;
const nothing: PruneRequest = {
  verb: 'prune',
  expired: false,
  supersededForMs: null,
  machineGone: false,
  machineInactiveMs: null,
  machines: [],
  digests: [],
  keepNewest: null,
  maxRemovals: 50,
  confirmed: false,
  includeComputers: false,
};
const expired: Sketch = { machine: 'PC-1', findings: ['expired'], daysLeft: -1 };
const unreadable: Sketch = { machine: null, findings: ['not-a-certificate'], daysLeft: 0 };

function computer(name: string, daysSinceLogon: number | null = 1): Computer {
  const lastLogon = daysSinceLogon === null ? null : new Date(now.getTime() - daysSinceLogon * DAY);
  return { name, commonName: null, dnsName: null, disabled: false, lastLogon };
}

function registerOf(computers: Computer[], inactiveDays = 180) {
  const register = machineRegister({ kind: 'forest' }, { now, machineInactiveMs: inactiveDays * DAY });
  for (const each of computers) register.add(each);
  return register;
}

function plan(sketches: Sketch[], request: Partial<PruneRequest>, computers: Computer[] | null = null): UserPlan {
  return prunePlanner({ ...nothing, ...request }, now, computers && registerOf(computers))(stateOf(sketches));
}

function actions({ items }: UserPlan): string[] {
  return items.map(({ action }) => action);
}

describe('pruning', () => {
  it('removes the expired ones', () => {
    assert.deepEqual(actions(plan([expired, sound('PC-1'), sound(null)], { expired: true })), [
      'delete',
      'keep',
      'keep',
    ]);
  });

  it('ends an overlap only when the newer certificate has been valid for long enough', () => {
    const overlap = [sound('PC-1'), sound('pc-1.corp.example'), sound('PC-2')];
    assert.deepEqual(actions(plan(overlap, { supersededForMs: 0 })), ['delete', 'keep', 'keep']);
    // all sketches begin on 1 January 2025
    assert.deepEqual(actions(plan(overlap, { supersededForMs: 600 * DAY })), ['keep', 'keep', 'keep']);
  });

  it('keeps the last sound certificate of a machine when a broken one is newer', () => {
    const broken: Sketch = { machine: 'PC-1', findings: ['not-rsa'], daysLeft: 900 };
    assert.deepEqual(actions(plan([sound('PC-1'), broken], { supersededForMs: 0 })), ['keep', 'keep']);
  });

  it('removes those of machines without an account, and of machines that nobody logs on to', () => {
    const entries = [sound('PC-1'), sound('PC-2'), sound('PC-3'), sound(null)];
    const computers = [computer('PC-1'), computer('PC-2', 400)];
    assert.deepEqual(actions(plan(entries, { machineGone: true }, computers)), ['keep', 'keep', 'delete', 'keep']);
    const inactive = plan(entries, { machineInactiveMs: 180 * DAY }, computers);
    assert.deepEqual(actions(inactive), ['keep', 'delete', 'keep', 'keep']);
    const never = plan([sound('PC-1')], { machineInactiveMs: 180 * DAY }, [computer('PC-1', null)]);
    assert.deepEqual(actions(never), ['keep'], 'an unknown logon is no long absence');
  });

  it('keeps those of machines that may be in a domain that could not be read, and says so', () => {
    const reach = { kind: 'domain', dnsName: 'corp.example', isWholeForest: false } as const;
    const machines = machineRegister(reach, { now, machineInactiveMs: 180 * DAY });
    machines.add(computer('PC-1'));
    const state = stateOf([sound('PC-1'), sound('PC-2'), sound('pc-3.corp.example')]);
    const { items } = prunePlanner({ ...nothing, machineGone: true }, now, machines)(state);
    assert.deepEqual(
      items.map(({ action, reason }) => [action, reason]),
      [
        ['keep', ''],
        ['keep', 'its machine may be in a domain that could not be read'],
        ['delete', 'machine-gone: no computer account has this name'],
      ],
    );
  });

  it('must be confirmed when more than a quarter of the machines seem to be gone', () => {
    const machines = Array.from({ length: 8 }, (_, index) => sound(`PC-${index + 1}`));
    const known = (count: number) => machines.slice(0, count).map(({ machine }) => computer(`${machine}`));
    assert.equal(plan(machines, { machineGone: true }, known(6)).refusal, null);
    const made = plan(machines, { machineGone: true }, known(5));
    assert.equal(made.refusal?.code, 'machines-unknown');
    assert.match(made.refusal?.message ?? '', /^3 of the 8 machines of CORP\\alice .* 5 computer accounts/);
    assert.deepEqual(made.notes, [made.refusal?.message]);
    assert.equal(plan(machines, { machineGone: true, confirmed: true }, known(5)).refusal, null);
    assert.equal(plan(machines, { machines: ['PC-8'] }, known(5)).refusal, null, 'none goes because it is gone');
  });

  it('must be confirmed when computer accounts may be missing from those that were read', async () => {
    const part = { kind: 'domain', dnsName: 'corp.example', isWholeForest: false } as const;
    const computers = Array.from({ length: 9 }, (_, index) => computer(`PC-${index + 1}`));
    const found = computers.map((each) => ({ kind: 'computer' as const, computer: each }));
    const asked: string[] = [];
    const machinesOf = (reach: Survey['reach'], surroundings: Surrounding[]) =>
      computersFor({ ...nothing, machineGone: true }, now, {
        survey: async (what) => {
          asked.push(what);
          return {
            reach,
            surroundings: (async function* () {
              yield* surroundings;
            })(),
          };
        },
      });
    const entries = [...computers.map(({ name }) => sound(name)), sound('gone.corp.example')];
    const refusalWith = async (machines: ReturnType<typeof machinesOf>) =>
      prunePlanner({ ...nothing, machineGone: true }, now, await machines)(stateOf(entries)).refusal;

    assert.equal(await refusalWith(machinesOf({ kind: 'forest' }, found)), null);
    const elsewhere = await refusalWith(machinesOf(part, found));
    assert.equal(elsewhere?.code, 'machines-unknown');
    assert.match(elsewhere?.message ?? '', /only corp\.example could be read/);
    const unread = await refusalWith(machinesOf({ kind: 'forest' }, [...found, { kind: 'unread' }]));
    assert.match(unread?.message ?? '', /^1 object in the forest could not be read/);
    assert.deepEqual(new Set(asked), new Set(['computers']), 'nobody needs the digests of the forest');
  });

  it('refuses to tell which machines are gone when no computer account can be read', async () => {
    const empty = {
      survey: async () => ({ reach: { kind: 'file' as const }, surroundings: (async function* () {})() }),
    };
    const request = { ...nothing, machineGone: true };
    await assert.rejects(computersFor(request, now, empty), { code: 'machines-unknown' });
    assert.equal(await computersFor({ ...nothing, expired: true }, now, empty), null);
  });

  it('keeps the newest of a user, and does not count what it cannot read', () => {
    const made = plan([sound('PC-1'), unreadable, sound('PC-2'), sound('PC-3')], { keepNewest: 2 });
    assert.deepEqual(actions(made), ['delete', 'keep', 'keep', 'keep']);
    assert.match(made.notes.join(), /cannot be read/);
  });

  it('removes what is named, and refuses what is named and not there', () => {
    const [, second] = stateOf([sound('PC-1'), sound('PC-2'), sound('PC-3'), sound('PC-4')]).entries;
    const digests = [second?.digest ?? '', 'ab'.repeat(16)];
    const made = plan([sound('PC-1'), sound('PC-2'), sound('PC-3'), sound('PC-4')], {
      machines: ['pc-1', 'PC-9'],
      digests,
    });
    assert.deepEqual(actions(made), ['delete', 'delete', 'keep', 'keep']);
    assert.deepEqual(
      made.verdicts.map((verdict) => verdict.kind === 'failed' && verdict.error.code),
      ['machine-not-found', 'digest-not-found'],
    );
  });

  it('removes a digest that no certificate has when it is named, and leaves other such digests', () => {
    const [orphan, other] = ['ab'.repeat(16), 'cd'.repeat(16)] as const;
    const state = stateOf([sound('PC-1'), sound('PC-2'), sound('PC-3')]);
    const [first] = state.entries;
    const digests = [...state.pair.digests, Buffer.from(orphan, 'hex'), Buffer.from(other, 'hex')];
    const user = { ...state, pair: { ...state.pair, digests }, orphanDigests: [orphan, other] };
    const left = (request: Partial<PruneRequest>) => {
      const { desired, verdicts } = prunePlanner({ ...nothing, ...request }, now, null)(user);
      assert.deepEqual(verdicts, []);
      assert.ok(desired.kind === 'pair');
      return {
        blob: desired.pair.blob,
        digests: desired.pair.digests.map((digest) => Buffer.from(digest).toString('hex')),
      };
    };
    const own = state.entries.map(({ digest }) => digest);
    assert.deepEqual(left({ digests: [orphan] }), { blob: state.pair.blob, digests: [...own, other] });
    const both = left({ digests: [orphan, first?.digest ?? ''] });
    assert.deepEqual(both.digests, [...own.slice(1), other]);
    assert.deepEqual(both.blob, encode(state.entries.slice(1).map(({ entry }) => entry)));
  });

  it('must be confirmed above the most removals, and above half of what a user has', () => {
    const many = Array.from({ length: 200 }, (_, index) => (index < 51 ? expired : sound(`PC-${index}`)));
    assert.equal(plan(many, { expired: true }).refusal?.code, 'too-many-removals');
    assert.equal(plan(many, { expired: true, maxRemovals: 51 }).refusal, null);
    assert.equal(plan(many, { expired: true, confirmed: true }).refusal, null);
    assert.equal(plan([expired, sound('PC-2')], { expired: true }).refusal, null);
    assert.equal(plan([expired, expired, sound('PC-2')], { expired: true }).refusal?.code, 'too-many-removals');
  });

  it('leaves queue managers alone unless it is told to', () => {
    const queueManager = { ...alice, account: 'CORP\\PC-1$', kind: 'computer' as const };
    const state = stateOf([expired], queueManager);
    const request = { ...nothing, expired: true };
    assert.throws(() => prunePlanner(request, now, null)(state), { code: 'confirmation-needed' });
    assert.deepEqual(actions(prunePlanner({ ...request, includeComputers: true }, now, null)(state)), ['delete']);
  });

  it('never touches a malformed blob', () => {
    const pair = { blob: Buffer.from('no blob'), digests: [] };
    const state = assess(alice, pair, {
      now,
      expiringWithinMs: 0,
      maxCertificates: 820,
      subjects: [],
      stated: new Map(),
      computers: noComputers,
    });
    assert.throws(() => prunePlanner({ ...nothing, expired: true }, now, null)(state), { code: 'malformed-blob' });
  });

  it('never removes what it cannot read, whatever the policies, and has nothing to do the second time', () => {
    const policies = fc.record({
      expired: fc.boolean(),
      supersededForMs: fc.option(fc.integer({ min: 0, max: 800 }).map((days) => days * DAY)),
      machineGone: fc.boolean(),
      machineInactiveMs: fc.option(fc.constant(180 * DAY)),
      machines: fc.subarray(machineNames),
      keepNewest: fc.option(fc.integer({ min: 1, max: 5 })),
    });
    const sketches = fc.array(fc.oneof(arbitrarySketch(), fc.constant(unreadable)), { maxLength: 12 });
    fc.assert(
      fc.property(sketches, policies, (entries, request) => {
        const register = registerOf([computer('PC-1'), computer('PC-2', 300)]);
        const planner = prunePlanner({ ...nothing, ...request }, now, register);
        const before = stateOf(entries);
        const made = planner(before);
        for (const item of made.items) {
          if (item.action === 'delete') assert.equal(item.registered.facts.kind, 'certificate');
        }
        const again = planner(stateAfter(made, before));
        assert.equal(changesSomething(again), false);
        for (const item of again.items) {
          const { machine } = item.action === 'add' ? assert.fail('prune adds nothing') : item.registered;
          if (machine !== null) assert.ok(!request.machines.some((each) => sameMachine(each, machine)));
        }
      }),
    );
  });
});
