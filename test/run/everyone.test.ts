import assert from 'node:assert/strict';
import type { Pair } from '../../src/blob/pair.ts';
import type { Listed, User } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import type { JournalHistory } from '../../src/journal/read.ts';
import type { IndexedUser, UserHistory } from '../../src/journal/users.ts';
import type { UserFacts } from '../../src/judge/facts.ts';
import type { DecodedState } from '../../src/judge/state.ts';
import { changesSomething } from '../../src/plan/plan.ts';
import { renewPlanner } from '../../src/plan/verbs/renew.ts';
import { forEveryone, type Selected, select } from '../../src/run/everyone.ts';
import type { PlannerFor } from '../../src/run/planners.ts';
import { alice, type Sketch, sound, stateOf } from '../plan/states.ts';
import { criteria } from './scripted-run.ts';

const empty: Pair = { blob: null, digests: [] };
const expired = (machine: string, daysLeft: number): Sketch => ({ machine, findings: ['expired'], daysLeft });

/** Users by name with what stands there, and planners that see that instead of what was read. */
function domain(users: Record<string, Sketch[] | 'unread' | 'malformed'>, machines: string[] | null = null) {
  const states = new Map<string, DecodedState>();
  const listed = Object.entries(users).map(([name, sketches]): Listed => {
    if (sketches === 'unread') return { kind: 'unread', name, error: new MsmqCertError('access-denied', 'no') };
    const user: User = { ...alice, account: name, dn: `CN=${name},DC=corp`, sid: name };
    if (sketches !== 'malformed') states.set(name, stateOf(sketches, user));
    return { kind: 'read', user, objectKind: 'user', pair: empty, legacy: false };
  });
  const renew = renewPlanner({ scope: { kind: 'broken' }, machines, overlap: false, retire: false });
  const plannerFor: PlannerFor = (_wanted, user) => () => {
    const state = states.get(user.account);
    if (state === undefined) throw new MsmqCertError('malformed-blob', 'the blob ends too early');
    return renew(state);
  };
  return { listed, plannerFor: forEveryone(plannerFor) };
}

async function chosenFrom(
  { listed, plannerFor }: ReturnType<typeof domain>,
  { limit = null, history = null }: { limit?: number | null; history?: JournalHistory | null } = {},
) {
  const untouched: UserFacts[] = [];
  let later = 0;
  async function* listing() {
    yield* listed;
  }
  const selection = {
    plannerFor,
    criteria,
    history,
    isOwed: () => false,
    limit,
    untouched: (facts: UserFacts) => untouched.push(facts),
    putOff: (certificates: number) => {
      later += certificates;
    },
  };
  const selected: string[] = [];
  for await (const each of select(listing(), selection)) selected.push(told(each, plannerFor));
  return { selected, untouched: untouched.length, later };
}

/** A user with the machines that are done for him. */
function told(selected: Selected, plannerFor: PlannerFor): string {
  if (selected.kind === 'unread') return `unread ${selected.name}`;
  const { user, narrow } = selected;
  try {
    const state = stateOf([], user);
    const plan = narrow(plannerFor([], user))(state);
    const machines = plan.items.flatMap((item) => (item.action === 'add' ? (item.addition.machine ?? '') : []));
    return [user.account, ...machines, ...(changesSomething(plan) ? [] : ['nothing'])].join(' ');
  } catch {
    return `${user.account} fails`;
  }
}

function historyOf(users: Record<string, Partial<UserHistory>>): JournalHistory {
  const known = Object.entries(users).map(([name, user]): [string, UserHistory] => [
    name,
    { swaps: [], hooks: [], keys: [], ...user },
  ]);
  const index = known.map(([name, { swaps }]): [string, IndexedUser] => [
    name,
    { lines: [], name, last: swaps.at(-1)?.outcome?.outcome ?? null, isWrittenBefore: false, undelivered: null },
  ]);
  return {
    path: '',
    of: (key) => known.find(([name]) => name === key)?.[1],
    run: { request: { verb: 'repair' } } as JournalHistory['run'],
    targets: [],
    complete: true,
    users: new Map(index),
    end: null,
    undone: false,
    delivers: false,
    wholeBytes: 0,
    tornBytes: 0,
  };
}

function swapped(digest: string): UserHistory['swaps'] {
  const item = {
    machine: 'PC-1',
    action: 'replaced',
    digest,
  } as UserHistory['swaps'][number]['intent']['items'][number];
  const intent = { items: [item] } as UserHistory['swaps'][number]['intent'];
  return [{ intent, outcome: { outcome: 'swapped' } as UserHistory['swaps'][number]['outcome'] }];
}

describe('picking those of a domain who need something', () => {
  it('passes over everybody else, and tells of those who cannot be read or planned', async () => {
    const users = { a: [sound('PC-1')], b: [expired('PC-1', -1)], c: 'unread', d: 'malformed', e: [] } as const;
    assert.deepEqual(await chosenFrom(domain({ ...users, a: [...users.a], b: [...users.b], e: [] })), {
      selected: ['b PC-1', 'unread c', 'd fails'],
      untouched: 2,
      later: 0,
    });
  });

  it('tells of what is broken and cannot be renewed', async () => {
    const { selected } = await chosenFrom(domain({ a: [{ ...expired('PC-1', -1), machine: null }] }));
    assert.deepEqual(selected, ['a nothing']);
  });

  it('takes nobody to fail who does not have the machine that was named', async () => {
    const { selected, untouched } = await chosenFrom(
      domain({ a: [expired('PC-1', -1)], b: [expired('PC-2', -1)] }, ['PC-2']),
    );
    assert.deepEqual([selected, untouched], [['b PC-2'], 1]);
  });

  it('takes what ends first, up to the limit, machine by machine', async () => {
    const users = {
      a: [expired('PC-1', -5), expired('PC-2', -1)],
      b: [expired('PC-3', -9)],
      c: [expired('PC-4', -2)],
      d: [sound('PC-5')],
    };
    assert.deepEqual(await chosenFrom(domain(users), { limit: 3 }), {
      selected: ['b PC-3', 'a PC-1', 'c PC-4'],
      untouched: 1,
      later: 1,
    });
    assert.deepEqual(await chosenFrom(domain(users), { limit: 1 }), {
      selected: ['b PC-3'],
      untouched: 3,
      later: 3,
    });
  });

  it('chooses the same where far more need something than it keeps in mind', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`u${n}`, [expired('PC-1', -n)]]));
    const chosen = await chosenFrom(domain(many), { limit: 2 });
    assert.deepEqual(chosen, { selected: ['u4999 PC-1', 'u4998 PC-1'], untouched: 4998, later: 4998 });
  });

  it('counts what earlier processes of the run have done, and looks again at whom they had begun with', async () => {
    const users = { a: [sound('PC-1')], b: [expired('PC-1', -1)], c: [expired('PC-1', -9)], d: [expired('PC-1', -8)] };
    const history = historyOf({ a: { swaps: swapped('00') }, b: { keys: [] } });
    assert.deepEqual(await chosenFrom(domain(users), { limit: 2, history }), {
      selected: ['a nothing', 'b PC-1'],
      untouched: 2,
      later: 2,
    });
  });

  it('does not go beyond the limit with a user whose share is done', async () => {
    const history = historyOf({ a: { swaps: swapped('00') } });
    const chosen = await chosenFrom(domain({ a: [expired('PC-2', -3)] }), { limit: 1, history });
    assert.deepEqual(chosen.selected, ['a nothing']);
  });
});
