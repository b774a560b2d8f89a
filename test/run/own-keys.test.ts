import assert from 'node:assert/strict';
import { applyChange } from '../../src/blob/edit.ts';
import { userKey } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { readJournal } from '../../src/journal/read.ts';
import type { Journal } from '../../src/journal/write.ts';
import {
  alice,
  beginAnew,
  contextOf,
  journalOf,
  nothing,
  pfxIn,
  policyIn,
  refuses,
  register,
  rivalRegisters,
  withRun,
  world,
} from './one-user.ts';

describe('the keys of a run', () => {
  beforeEach(beginAnew);

  it(
    'are in the journal before there is a file of them',
    withRun(async (out, journal) => {
      let before: string[] | null = null;
      const watched: Journal = {
        ...journal,
        async key(...facts) {
          await journal.key(...facts);
          before = await pfxIn(out);
        },
      };
      await register(contextOf(watched, policyIn(out)));
      assert.deepEqual(before, []);
      const history = await readJournal(journalOf(out));
      const [key] = history.of(userKey(alice))?.keys ?? [];
      assert.deepEqual(await pfxIn(out), [key?.files.pfx]);
    }),
  );

  describe('that lost a race', () => {
    it(
      'are removed when the directory, read again, does not have them',
      withRun(async (out, journal) => {
        world.swaps = [
          async () => {
            rivalRegisters(world);
            return { kind: 'conflict' };
          },
        ];
        const result = await register(contextOf(journal, policyIn(out)));
        assert.deepEqual([result?.outcome, result?.leftKeys], ['unchanged', undefined]);
        assert.deepEqual(await pfxIn(out), []);
      }),
    );

    for (const half of ['blob', 'digests'] as const) {
      it(
        `stay when somebody has registered them in the meantime, if only in the ${half}`,
        withRun(async (out, journal) => {
          world.swaps = [
            async (_before, change) => {
              rivalRegisters(world);
              const rival = world.pair;
              // seen by the read that comes right before the removal, not by the one that plans
              let reads = 0;
              world.reads = () => {
                if (++reads === 2) world.pair = { ...rival, [half]: applyChange(nothing, change)[half] };
              };
              return { kind: 'conflict' };
            },
          ];
          const result = await register(contextOf(journal, policyIn(out)));
          assert.equal(result?.outcome, 'unchanged');
          assert.equal((await pfxIn(out)).length, 1);
        }),
      );
    }

    it(
      'stay and are named when the directory cannot be read again',
      withRun(async (out, journal) => {
        world.swaps = [
          async () => {
            rivalRegisters(world);
            let reads = 0;
            world.reads = () => {
              if (++reads === 2) throw new MsmqCertError('directory-unreachable', 'gone');
            };
            return { kind: 'conflict' };
          },
        ];
        const result = await register(contextOf(journal, policyIn(out)));
        const [path = ''] = await pfxIn(out);
        assert.deepEqual(result?.leftKeys, [{ kind: 'orphaned', path }]);
      }),
    );

    it(
      'stay when another process has taken up the journal: it may be about to register them',
      withRun(async (out, journal) => {
        world.swaps = [
          async () => {
            rivalRegisters(world);
            return { kind: 'conflict' };
          },
        ];
        const taken = new MsmqCertError('file-locked', 'taken up');
        let held = 0;
        const losing = { ...journal, assertHeld: async () => (++held > 1 ? Promise.reject(taken) : undefined) };
        await register(contextOf(losing, policyIn(out)));
        assert.equal((await pfxIn(out)).length, 1);
        const history = await readJournal(journalOf(out));
        const dropped = history.of(userKey(alice))?.keys.map((key) => key.dropped);
        assert.deepEqual(dropped, [true], 'the other one knows not to use them');
      }),
    );
  });

  it(
    'are removed when the directory refuses the write',
    withRun(async (out, journal) => {
      world.swaps = [refuses];
      const result = await register(contextOf(journal, policyIn(out)));
      assert.deepEqual([result?.outcome, result?.leftKeys], ['failed', undefined]);
      assert.deepEqual(await pfxIn(out), []);
    }),
  );

  it(
    'stay and are named when nobody knows what became of the write',
    withRun(async (out, journal) => {
      world.swaps = [
        async () => {
          throw new MsmqCertError('outcome-unknown', 'the reply was lost');
        },
      ];
      const result = await register(contextOf(journal, policyIn(out)));
      const [path = ''] = await pfxIn(out);
      assert.deepEqual([result?.outcome, result?.leftKeys], ['failed', [{ kind: 'orphaned', path }]]);
    }),
  );

  it(
    'are not written about to a directory once the journal is taken up',
    withRun(async (out, journal) => {
      const taken = new MsmqCertError('file-locked', 'taken up');
      world.swaps = [async () => assert.fail('it was written to')];
      const result = await register(contextOf({ ...journal, assertHeld: () => Promise.reject(taken) }, policyIn(out)));
      assert.equal(result?.items[0]?.error?.code, 'file-locked');
    }),
  );
});
