import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { type Invocation, outcomeOf, startMsmqCert } from '../cli/msmq-cert.ts';
import { journalsIn } from './bulk.ts';
import {
  actionsOf,
  assertPfxHolds,
  keyFilesBelow,
  letTimePass,
  machinesOf,
  mutation,
  mutationOf,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { gateProxy } from './gate-proxy.ts';
import { type Lab, resetUser, startLab } from './lab.ts';

const machines = ['PC-1', 'PC-2', 'PC-3'];

/** What tells two machines apart that share a folder: neither sees the other's processes, and their clocks differ. */
const elsewhere: Record<string, { invocation: Invocation; seenAs: 'unchanged' | 'replaced' }> = {
  'in another PID namespace': {
    invocation: { under: ['unshare', '--pid', '--fork', '--mount-proc'] },
    seenAs: 'unchanged',
  },
  'with a clock two hours ahead': {
    invocation: { nodeOptions: ['--import', clockAheadBy(2 * 3_600_000)] },
    // to the others its certificates are not yet valid
    seenAs: 'replaced',
  },
};

function clockAheadBy(ms: number): string {
  const script = `
    const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...given) { super(...(given.length === 0 ? [Real.now() + ${ms}] : given)); }
      static now() { return Real.now() + ${ms}; }
    };`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

describe('Two machines that share a folder', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'bob'));

  const registering = (out: string, names: string[], url = lab.url) => [
    ...['register', 'bob', ...names.flatMap((name) => ['--machine', name]), '--out', out, '--no-progress', '--json'],
    ...reaching(lab, 'provisioner', url),
  ];

  async function assertEveryKeyIsThere(out: string, replaced = 0): Promise<void> {
    const entries = await readConsistentPair(lab, 'bob');
    assert.deepEqual(machinesOf(entries).sort(), machines);
    for (const { machine, digest, certificate } of entries) {
      const path = join(out, 'CORP_bob', machine ?? '', digest);
      await assertPfxHolds(`${path}.pfx`, `${path}.pass`, certificate);
    }
    assert.equal((await keyFilesBelow(out)).length, 3 * (machines.length + replaced), 'and no others');
  }

  it('let one go on that was taken for dead as it stood still: it stops, and takes nothing away', () =>
    withFolder(async (out) => {
      const gate = await gateProxy(lab.ip);
      const child = startMsmqCert(registering(out, machines, gate.url));
      const first = outcomeOf(child);
      await Promise.race([gate.held(1), first]);
      const made = await keyFilesBelow(out);
      child.kill('SIGSTOP');
      await letTimePass(out);
      const [journal = ''] = await journalsIn(out);
      const second = await mutation(['resume', journal, ...reaching(lab)]);
      assert.deepEqual([second.code, second.summary.added], [0, 3], second.stderr);
      gate.open();
      child.kill('SIGCONT');
      const { code, stdout } = await first;
      await gate.close();
      assert.deepEqual([code, JSON.parse(stdout).stopped.error.code], [1, 'file-locked']);
      await assertEveryKeyIsThere(out);
      assert.deepEqual(await keyFilesBelow(out), made);
    }));

  for (const [where, { invocation, seenAs }] of Object.entries(elsewhere)) {
    it(`keep every registered key when the second one is ${where}`, () =>
      withFolder(async (out) => {
        const gate = await gateProxy(lab.ip);
        const first = mutationOf(startMsmqCert(registering(out, machines, gate.url)));
        // it has made its keys, and is about to register them
        await Promise.race([gate.held(1), first]);
        const second = await mutation(registering(out, ['PC-1']), invocation);
        assert.deepEqual([second.code, actionsOf(second)], [0, ['PC-1 added']], second.stderr);
        gate.open();
        const { code, results } = await first;
        await gate.close();
        assert.equal(code, 0);
        assert.deepEqual(results.map(({ machine, action }) => `${machine} ${action}`).sort(), [
          `PC-1 ${seenAs}`,
          'PC-2 added',
          'PC-3 added',
        ]);
        await assertEveryKeyIsThere(out, seenAs === 'replaced' ? 1 : 0);
      }));

    it(`keep them also when the first one is interrupted, and the second one is ${where}`, () =>
      withFolder(async (out) => {
        const gate = await gateProxy(lab.ip);
        const child = startMsmqCert(registering(out, machines, gate.url));
        const first = outcomeOf(child);
        await Promise.race([gate.held(1), first]);
        const second = await mutation(registering(out, machines), invocation);
        assert.deepEqual([second.code, second.summary.added], [0, 3], second.stderr);
        child.kill('SIGINT');
        gate.open();
        await first;
        await gate.close();
        await assertEveryKeyIsThere(out, seenAs === 'replaced' ? 3 : 0);
      }));

    it(`do not share a journal, and neither takes back what the other is at, when the second one is ${where}`, () =>
      withFolder(async (out) => {
        const gate = await gateProxy(lab.ip);
        const words = registering(out, machines, gate.url);
        const first = mutationOf(startMsmqCert(words));
        await Promise.race([gate.held(1), first]);
        const [journal = ''] = await journalsIn(out);
        for (const verb of ['undo', 'resume']) {
          const taking = startMsmqCert([verb, journal, '--json', ...reaching(lab)], invocation);
          const { code, stderr } = await outcomeOf(taking);
          assert.equal(code, 1);
          assert.match(stderr, /^(waiting .*\n)?error\[file-locked\]: the run of .* is still at work\n/);
        }
        const same = mutationOf(startMsmqCert(words, invocation));
        await Promise.race([gate.held(2), same]);
        gate.open();
        const results = await Promise.all([first, same]);
        await gate.close();
        assert.deepEqual(
          results.map(({ code }) => code),
          [0, 0],
        );
        const [one, other] = results.map(({ summary }) => summary.added).sort();
        assert.deepEqual([one, other], [0, 3]);
        await assertEveryKeyIsThere(out);
      }));
  }
});
