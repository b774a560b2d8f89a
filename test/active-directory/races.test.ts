import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { startMsmqCert } from '../cli/msmq-cert.ts';
import {
  actionsOf,
  assertPfxHolds,
  keyFilesBelow,
  machinesOf,
  mutation,
  mutationOf,
  reaching,
  readConsistentPair,
} from './command-line.ts';
import { type GateProxy, gateProxy } from './gate-proxy.ts';
import { type Lab, resetUser, startLab } from './lab.ts';
import { type LossyProxy, lossyProxy } from './lossy-proxy.ts';

describe('The command and its rivals', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'bob'));

  describe('when eight processes write at once', () => {
    let gate: GateProxy;
    beforeEach(async () => {
      gate = await gateProxy(lab.ip);
    });
    afterEach(() => gate.close());

    const machines = Array.from({ length: 8 }, (_, index) => `PC-${index + 1}`);

    it('registers all eight machines of one user, and counts the races that were lost', () =>
      withFolder(async (folder) => {
        const running = machines.map((machine) => {
          const words = ['register', 'bob', '--machine', machine, '--out', folder, '--json'];
          return mutationOf(startMsmqCert([...words, ...reaching(lab, 'provisioner', gate.url)]));
        });
        // every one of them has read the user and made its key before the first can write
        await Promise.race([gate.held(machines.length), Promise.all(running)]);
        gate.open();
        const results = await Promise.all(running);

        assert.deepEqual(
          results.map(({ code }) => code),
          machines.map(() => 0),
          results.map(({ stderr }) => stderr).join(),
        );
        assert.deepEqual(
          results.flatMap(actionsOf),
          machines.map((machine) => `${machine} added`),
        );
        const retried = results.reduce((sum, { summary }) => sum + summary.conflictsRetried, 0);
        assert.ok(retried >= machines.length - 1, `${retried} retries`);
        const entries = await readConsistentPair(lab, 'bob');
        assert.deepEqual(machinesOf(entries).sort(), machines);
        assert.equal((await keyFilesBelow(folder)).length, 3 * machines.length);
      }));

    it('registers one certificate when all eight ask for the same machine', () =>
      withFolder(async (folder) => {
        const running = machines.map((_, index) => {
          const words = ['register', 'bob', '--machine', 'PC-1', '--out', join(folder, `${index}`), '--json'];
          return mutationOf(startMsmqCert([...words, ...reaching(lab, 'provisioner', gate.url)]));
        });
        await Promise.race([gate.held(machines.length), Promise.all(running)]);
        gate.open();
        const results = await Promise.all(running);

        const actions = results.flatMap(actionsOf).sort();
        assert.deepEqual(actions, ['PC-1 added', ...Array.from({ length: 7 }, () => 'PC-1 unchanged')]);
        const [entry, ...others] = await readConsistentPair(lab, 'bob');
        assert.deepEqual(others, []);
        // the keys of those who lost are of no use to anybody
        const files = (await keyFilesBelow(folder)).map((file) => file.slice(2));
        assert.deepEqual(
          files,
          ['cer', 'pass', 'pfx'].map((extension) => `CORP_bob/PC-1/${entry?.digest}.${extension}`),
        );
      }));
  });

  describe('when the reply is lost after the directory has committed', () => {
    let proxy: LossyProxy;
    beforeEach(async () => {
      proxy = await lossyProxy(lab.ip);
    });
    afterEach(() => proxy.close());

    for (const verb of [['register', '--always', '--machine', 'PC-1'], ['replace']]) {
      it(`${verb[0]} has registered exactly one certificate and reports success`, () =>
        withFolder(async (folder) => {
          const words = ['--out', folder, ...reaching(lab)];
          await mutation(['register', 'bob', '--machine', 'PC-1', ...words]);
          const [old] = await readConsistentPair(lab, 'bob');

          const lost = proxy.loseReply(700);
          const running = mutation([...verb, 'bob', '--out', folder, ...reaching(lab, 'provisioner', proxy.url)]);
          await Promise.race([lost, running]);
          const result = await running;
          assert.equal(result.code, 0, result.stderr);
          assert.deepEqual(actionsOf(result), ['PC-1 replaced']);
          await lost;

          const [entry, ...others] = await readConsistentPair(lab, 'bob');
          assert.deepEqual(others, []);
          assert.ok(entry !== undefined && entry.digest !== old?.digest);
          const files = result.results[0]?.files;
          await assertPfxHolds(files?.pfx ?? '', files?.passphrase ?? '', entry.certificate);
          assert.equal((await keyFilesBelow(folder)).length, 6, 'the old key set and the new one');
        }));
    }
  });
});
