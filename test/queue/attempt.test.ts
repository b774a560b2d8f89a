import assert from 'node:assert/strict';
import { type ErrorCode, MsmqCertError } from '../../src/errors.ts';
import type { ItemResult, UserResult } from '../../src/plan/results.ts';
import { type Attempt, outputSchema, settle } from '../../src/queue/attempt.ts';
import { alice } from '../plan/states.ts';

const item: ItemResult = {
  ...{ machine: 'PC-1', action: 'added', digest: 'ab', identifier: 'cd', replacedDigest: null, error: null },
  files: { pfx: 'w/PC-1/ab.pfx', certificate: 'w/PC-1/ab.cer', passphrase: 'w/PC-1/ab.pass' },
};
const failing = (code: ErrorCode): MsmqCertError => new MsmqCertError(code, `it is ${code}`);
const result = (outcome: UserResult['outcome'], items: ItemResult[]): Attempt => ({
  kind: 'result',
  result: { user: alice, plan: null, outcome, items, conflictsRetried: 0 },
});
const failed = (code: ErrorCode): Attempt =>
  result('failed', [{ ...item, action: 'failed', digest: null, files: null, error: failing(code) }]);
const refused = (code: ErrorCode): Attempt => ({ kind: 'refused', error: failing(code) });

/** What is left of the try before. */
const left = (attempts: number) => ({ worker: 'w0', outcome: 'failed', items: [], error: null, attempts });

function settled(attempt: Attempt, last: unknown = null) {
  const { settled: end, stop } = settle(attempt, last, 'w1');
  // read back as the next worker reads it
  const { attempts } = outputSchema.parse(JSON.parse(JSON.stringify(end.output)));
  return { kind: end.kind, attempts, stop: stop?.code ?? null };
}

describe('what becomes of a job after a try', () => {
  it('is done, and says what was done without a passphrase', () => {
    const { settled: end, stop } = settle(result('changed', [item]), null, 'w1');
    assert.equal(stop, null);
    assert.deepEqual(end, {
      kind: 'done',
      output: {
        worker: 'w1',
        outcome: 'changed',
        items: [{ machine: 'PC-1', action: 'added', digest: 'ab', file: 'w/PC-1/ab.pfx' }],
        error: null,
        attempts: 0,
      },
    });
    assert.deepEqual(settled(result('unchanged', []), left(3)), { kind: 'done', attempts: 3, stop: null });
    assert.deepEqual(settled(result('pending', [])), { kind: 'done', attempts: 0, stop: null });
  });

  it('goes back untouched when the worker was stopped', () => {
    assert.deepEqual(settled({ kind: 'stopped' }, left(4)), { kind: 'later', attempts: 4, stop: null });
  });

  for (const attempt of [failed, refused]) {
    const kind = attempt('usage').kind;
    for (const code of ['claim-lost', 'database-unreachable'] as const) {
      it(`goes back without a try lost: ${kind} by ${code}`, () => {
        assert.deepEqual(settled(attempt(code), left(4)), { kind: 'later', attempts: 4, stop: null });
      });
    }
    for (const code of [
      ...(['directory-unreachable', 'directory-timeout', 'directory-busy', 'tls-untrusted', 'bind-refused'] as const),
      ...(['disk-full', 'clock-wrong', 'database-refused', 'database-schema', 'insecure-file-system'] as const),
      'untrusted-path' as const,
    ]) {
      it(`goes back without a try lost, and the worker stops: ${kind} by ${code}`, () => {
        assert.deepEqual(settled(attempt(code), left(4)), { kind: 'later', attempts: 4, stop: code });
      });
    }
    for (const code of [
      ...(['conflict', 'outcome-unknown', 'torn-pair', 'directory-error', 'directory-limit', 'referral'] as const),
      ...(['key-sink-failed', 'file-locked', 'file-unwritable', 'database-error'] as const),
    ]) {
      it(`is tried five times: ${kind} by ${code}`, () => {
        const ends = [0, 1, 2, 3, 4].map((tries) => settled(attempt(code), tries === 0 ? null : left(tries)));
        assert.deepEqual(
          ends.map((end) => `${end.kind} ${end.attempts} ${end.stop}`),
          ['later 1 null', 'later 2 null', 'later 3 null', 'later 4 null', 'dead 5 null'],
        );
      });
    }
    for (const code of [
      ...([
        'malformed-blob',
        'over-capacity',
        'access-denied',
        'user-not-found',
        'job-refused',
        'run-not-found',
      ] as const),
      ...(['invalid-certificate', 'confirmation-needed', 'internal'] as const),
    ]) {
      it(`is given up at once: ${kind} by ${code}`, () => {
        assert.deepEqual(settled(attempt(code)), { kind: 'dead', attempts: 1, stop: null });
      });
    }
    it(`waits for a newer worker for ever: ${kind}`, () => {
      assert.deepEqual(settled(attempt('job-too-new'), left(99)), { kind: 'not-ours', attempts: 99, stop: null });
    });
  }

  it('counts from nothing when what is left of the last try cannot be read', () => {
    for (const last of [
      undefined,
      'x',
      { value: { message: 'job heartbeat timeout' } },
      left(-9),
      left(0.5),
      left(Number.NaN),
    ])
      assert.deepEqual(settled(refused('conflict'), last), { kind: 'later', attempts: 1, stop: null });
  });

  it('tells what was done to a user beside what failed, and why', () => {
    const attempt = result('failed', [item, { ...item, action: 'failed', error: failing('conflict') }]);
    const output = outputSchema.parse(settle(attempt, null, 'w1').settled.output);
    assert.deepEqual([output.items.length, output.error], [1, { code: 'conflict', message: 'it is conflict' }]);
  });
});
