import assert from 'node:assert/strict';
import { msmqChecks } from '../../src/machine/checks.ts';
import type { MsmqFacts } from '../../src/native/windows/msmq.ts';

describe('the checks of MSMQ on this machine', () => {
  const good: MsmqFacts = {
    service: 'running',
    workgroup: false,
    weakHashes: false,
    storage: { path: 'C:\\msmq', access: 'writable' },
  };
  const statuses = (changes: Partial<MsmqFacts>) =>
    msmqChecks({ ...good, ...changes }).map(({ name, status }) => `${name} ${status}`);

  it('are all well by default', () => {
    assert.deepEqual(statuses({}), ['msmq-service ok', 'domain-mode ok', 'weak-hashes ok', 'storage ok']);
  });

  it('take a value that the registry does not have for no failure', () => {
    assert.deepEqual(statuses({ workgroup: null }), [
      ...['msmq-service ok', 'domain-mode ok', 'weak-hashes ok', 'storage ok'],
    ]);
  });

  const reported: Partial<MsmqFacts>[] = [
    ...[true, false, null].map((workgroup) => ({ workgroup })),
    { storage: { path: 'C:\\msmq', access: 'denied' } },
  ];
  for (const changes of reported) {
    it(`say what is known from reports only: ${JSON.stringify(changes)}`, () => {
      const said = msmqChecks({ ...good, ...changes }).map(({ message }) => message);
      assert.ok(
        said.some((message) => message.endsWith("by practitioners' reports")),
        said.join('\n'),
      );
    });
  }

  const cases: [Partial<MsmqFacts>, string][] = [
    [{ service: 'missing' }, 'msmq-service warning'],
    [{ service: 'stopped' }, 'msmq-service failed'],
    [{ service: 'unknown' }, 'msmq-service warning'],
    [{ workgroup: true }, 'domain-mode failed'],
    [{ weakHashes: true }, 'weak-hashes warning'],
    [{ storage: { path: 'C:\\msmq', access: 'denied' } }, 'storage warning'],
    [{ storage: { path: 'C:\\msmq', access: 'missing' } }, 'storage warning'],
  ];
  for (const [changes, expected] of cases) {
    it(`say so and what to do: ${expected}, with ${JSON.stringify(changes)}`, () => {
      assert.ok(statuses(changes).includes(expected));
      for (const { status, hint } of msmqChecks({ ...good, ...changes })) assert.equal(status === 'ok', hint === null);
    });
  }
});
