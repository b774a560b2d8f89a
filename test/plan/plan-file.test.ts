import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import type { Planner, UserPlan } from '../../src/plan/plan.ts';
import { type PlanFile, plannedUser, readPlan, writePlan } from '../../src/plan/plan-file.ts';
import type { PruneRequest, Verb } from '../../src/plan/request.ts';
import { plannedPlanners } from '../../src/plan/verbs/apply.ts';
import { prunePlanner } from '../../src/plan/verbs/prune.ts';
import { alice, now, sound, stateOf } from './states.ts';

const prune: PruneRequest = {
  verb: 'prune',
  expired: false,
  supersededForMs: null,
  machineGone: false,
  machineInactiveMs: null,
  machines: [],
  digests: [],
  keepNewest: 1,
  maxRemovals: 50,
  confirmed: false,
  includeComputers: false,
};
const state = stateOf([sound('PC-1'), sound('PC-2'), sound('PC-3')]);

function textOf(plan: PlanFile): string {
  return [...writePlan(plan)].join('');
}

function fileOf(plan: UserPlan, request: Verb = prune): PlanFile {
  return {
    kind: 'msmq-cert plan',
    schema: 1,
    createdAt: now.toISOString(),
    domain: 'CORP',
    request,
    keys: {
      out: '',
      keySize: 2048,
      hash: 'sha256',
      validFor: 1,
      pfxEncryption: 'TripleDES_SHA1',
      passphraseFile: null,
      maxCertificates: 820,
      subjects: [],
      machinesOf: {},
    },
    users: [plannedUser(plan, [])],
    errors: [],
  };
}

const refusedFile = () => fileOf(prunePlanner(prune, now, null)(state));

function carryOut(text: string, confirmed: boolean, replan: Parameters<typeof plannedPlanners>[2] = null): UserPlan {
  return plannedPlanners(readPlan([text], 'plan.json'), confirmed, replan)(alice)(state);
}

/** The file with other contents and a checksum that fits. */
function edited(change: (plan: Record<string, unknown>) => object): string {
  const { checksum: _, ...body } = JSON.parse(textOf(refusedFile()));
  const changed = change(body);
  return JSON.stringify({ ...changed, checksum: hash('sha256', JSON.stringify(changed), 'hex') });
}

const withRefusal = (refusal: unknown) =>
  edited((body) => {
    const [user] = body['users'] as object[];
    return { ...body, users: [{ ...user, refusal }] };
  });

describe('a plan file', () => {
  it('is the JSON of the plan, two columns in a level, with the SHA-256 of the plan without blanks', () => {
    const plan = refusedFile();
    const { users, errors, ...head } = plan;
    const body = { ...head, users: [...users], errors: [...errors, { user: 'é "}]', code: 'usage', message: '\\' }] };
    for (const each of [body, { ...body, users: [], errors: [] }, { ...body, users: [...users, ...users] }]) {
      const checksum = createHash('sha256').update(JSON.stringify(each)).digest('hex');
      assert.equal(textOf(each), `${JSON.stringify({ ...each, checksum }, null, 2)}\n`);
    }
  });

  it('is read the same however it is cut in pieces or written as JSON', () => {
    const text = textOf(refusedFile());
    const whole = readPlan([text], 'plan.json');
    const facts = ({ users, errors, ...head }: PlanFile) => ({ ...head, users: [...users], errors: [...errors] });
    for (const other of [[...text], text.split(/(?=[{}[\]:,"])/), [JSON.stringify(JSON.parse(text))]]) {
      assert.deepEqual(facts(readPlan(other, 'plan.json')), facts(whole));
    }
  });

  it('is refused when it is cut short, goes on behind its end, or is something else', () => {
    const text = textOf(refusedFile());
    const others = [
      '',
      '[]',
      'plan',
      '{',
      '{"users": [1, 2}',
      text.slice(0, -3),
      text.slice(0, 400),
      `${text}{}`,
      `1${text}`,
    ];
    for (const other of others) assert.throws(() => readPlan([other], 'plan.json'), { code: 'invalid-plan' }, other);
    const without = edited(({ users: _, ...body }) => body);
    assert.throws(() => readPlan([without], 'plan.json'), { code: 'invalid-plan' });
    const twice = text.replace('"users": [', '"users": [], "users": [');
    assert.throws(() => readPlan([twice], 'plan.json'), { code: 'invalid-plan' });
  });

  it('refuses what was refused when it was made, until it is confirmed', () => {
    const text = textOf(refusedFile());
    const { refusal } = carryOut(text, false);
    assert.equal(refusal?.code, 'too-many-removals');
    assert.match(refusal?.message ?? '', /^2 of the 3 certificates of CORP\\alice/);
    assert.match(refusal?.hint ?? '', /--yes/);
    assert.equal(carryOut(text, true).refusal, null);
  });

  it('keeps a refusal that it could not judge by itself', () => {
    const doubt = { code: 'machines-unknown', message: 'of the forest only corp.example could be read', hint: null };
    const { refusal } = carryOut(withRefusal(doubt), false);
    assert.deepEqual([refusal?.code, refusal?.message, refusal?.hint], [doubt.code, doubt.message, undefined]);
  });

  it('is judged anew where somebody has taken the refusal out of it', () => {
    assert.equal(carryOut(withRefusal(null), false).refusal?.code, 'too-many-removals');
    assert.equal(carryOut(withRefusal(undefined), false).refusal?.code, 'too-many-removals');
    const clearing = edited((body) => ({
      ...body,
      request: { verb: 'clear', confirmed: true, includeComputers: false },
      users: (body['users'] as object[]).map((user) => ({ ...user, refusal: null })),
    }));
    assert.equal(carryOut(clearing, false).refusal?.code, 'too-many-removals');
  });

  it('without a word on refusals must be confirmed where machines were taken for gone', () => {
    const withoutFor = (request: PruneRequest, refusal?: null) =>
      edited((body) => ({
        ...body,
        request,
        users: (body['users'] as { remove: object[] }[]).map((user) => ({
          ...user,
          remove: user.remove.slice(0, 1),
          refusal,
        })),
      }));
    const gone = { ...prune, machineGone: true };
    assert.equal(carryOut(withoutFor(gone), false).refusal?.code, 'too-many-removals');
    assert.equal(carryOut(withoutFor(gone), true).refusal, null);
    assert.equal(carryOut(withoutFor(gone, null), false).refusal, null);
    assert.equal(carryOut(withoutFor(prune), false).refusal, null);
  });

  it('leaves queue managers alone unless it was made for them', () => {
    const queueManager = { ...alice, kind: 'computer' as const };
    const plan = readPlan(writePlan(refusedFile()), 'plan.json');
    assert.throws(() => plannedPlanners(plan, true, null)(queueManager)(state), { code: 'confirmation-needed' });
  });

  it('plans a changed user anew', () => {
    const replan = (): Planner => () => assert.fail('planned anew');
    const other = fileOf(prunePlanner(prune, now, null)(stateOf([sound('PC-1')])));
    assert.throws(() => carryOut(textOf(other), false, replan), /planned anew/);
    assert.throws(() => carryOut(textOf(other), false), { code: 'plan-outdated' });
  });
});
