import assert from 'node:assert/strict';
import { userKey } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { deliveriesIn, earlierRuns } from '../../src/journal/deliveries.ts';
import { type Journal, noJournal } from '../../src/journal/write.ts';
import type { UserResult } from '../../src/plan/results.ts';
import { type DeliveryContext, deliver } from '../../src/run/deliver.ts';
import { withMemoryFolder } from './memory-folder.ts';
import { scriptedDirectory, userNamed, worldWith } from './scripted-directory.ts';
import { journalNamed, keyMaker, PASSPHRASE, startRun } from './scripted-run.ts';

const alice = userNamed('alice');
const unchanged: UserResult = { user: alice, plan: null, outcome: 'unchanged', items: [], conflictsRetried: 0 };
const going = new AbortController().signal;

interface Scene {
  world: ReturnType<typeof worldWith>;
  context: DeliveryContext;
  /** What became of each hook, as the journal has it. */
  recorded: string[];
}

/** A run that was to deliver was killed when its certificate was registered, and no hook had run. */
async function afterKill(hook: string | null, work: (scene: Scene) => Promise<void>): Promise<void> {
  await withMemoryFolder(async (out) => {
    const world = worldWith([[alice, { blob: null, digests: [] }]]);
    const written = Promise.withResolvers<void>();
    const end = await startRun({
      ...{ world, out, by: 'run', machines: ['PC-1'], makePfx: keyMaker(), journal: journalNamed(out, 'run-abc') },
      verb: { verb: 'register', mode: 'if-not-exists' },
      killed: written.promise,
      control: {
        deliver: () => {
          written.resolve();
          return new Promise(() => {});
        },
      },
    });
    assert.equal(end.kind, 'killed');
    const recorded: string[] = [];
    const journal: Journal = {
      ...noJournal,
      hook: async (_user, { digest }, outcome) => {
        recorded.push(`${digest} ${outcome}`);
      },
    };
    const context: DeliveryContext = {
      hook: hook === null ? null : { command: hook, timeoutMs: 600_000 },
      directory: scriptedDirectory(world, { by: 'next' }),
      journal,
      earlier: deliveriesIn(await earlierRuns(out, 'abc')),
      passphrase: PASSPHRASE,
    };
    await work({ world, context, recorded });
  });
}

describe('What a killed run registered and did not deliver', () => {
  it('is delivered by the next one, which needs to write nothing', () =>
    afterKill('test -f "$MSMQ_CERT_PFX"', async ({ context, recorded }) => {
      const { items } = await deliver(unchanged, context, going);
      assert.deepEqual(
        items.map(({ action, machine, delivery }) => [action, machine, delivery?.state]),
        [['unchanged', 'PC-1', 'delivered']],
      );
      assert.deepEqual(recorded, [`${items[0]?.digest} done`]);
    }));

  it('stays to be delivered while nobody says how', () =>
    afterKill(null, async ({ context }) => {
      const { items } = await deliver(unchanged, context, going);
      assert.deepEqual(items[0]?.delivery, { state: 'pending', hook: null });
    }));

  it('stays to be delivered when the run is stopped', () =>
    afterKill('true', async ({ context, recorded }) => {
      const { items } = await deliver(unchanged, context, AbortSignal.abort());
      assert.deepEqual([items[0]?.delivery?.state, recorded], ['pending', []]);
    }));

  it('stays to be delivered when the directory does not say whether it is registered', () =>
    afterKill('true', async ({ context, world, recorded }) => {
      const directory = scriptedDirectory(world, { by: 'next', script: { reads: ['refused'] } });
      const { items } = await deliver(unchanged, { ...context, directory }, going);
      assert.deepEqual([items[0]?.delivery?.state, recorded], ['pending', []]);
    }));

  it('waits while it is registered by half only', () =>
    afterKill('true', async ({ context, world, recorded }) => {
      world.put(alice, { blob: null, digests: world.pairOf(alice).digests });
      const { items } = await deliver(unchanged, context, going);
      assert.deepEqual([items, recorded], [[], []]);
    }));

  it('has failed when that it was delivered cannot be written down', () =>
    afterKill('true', async ({ context }) => {
      const hook = () => Promise.reject(new MsmqCertError('disk-full', 'no room'));
      const { items } = await deliver(unchanged, { ...context, journal: { ...noJournal, hook } }, going);
      assert.deepEqual([items[0]?.delivery?.state, items[0]?.delivery?.hook?.status], ['failed', 'no room']);
    }));

  it('is not tried for a user whom no run was to deliver to', () =>
    afterKill('true', async ({ context }) => {
      const bob = { ...unchanged, user: userNamed('bob') };
      const known = [alice, bob.user].map((user) => context.earlier(userKey(user)).size);
      assert.deepEqual(known, [1, 0]);
      assert.deepEqual((await deliver(bob, context, going)).items, []);
    }));
});
