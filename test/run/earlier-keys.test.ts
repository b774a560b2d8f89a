import assert from 'node:assert/strict';
import { appendFile, chmod, link, mkdir, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toHex } from '../../src/blob/digest.ts';
import { keyFilesOf } from '../../src/certificate/key-files/key-files.ts';
import { takeNamed } from '../../src/journal/find.ts';
import { readJournal } from '../../src/journal/read.ts';
import { resumeJournal } from '../../src/journal/write.ts';
import type { UserResult } from '../../src/plan/results.ts';
import type { KeyPolicy } from '../../src/run/keys.ts';
import { run } from '../../src/run/run.ts';
import { withFolder } from '../certificate/support.ts';
import {
  alice,
  begin,
  beginAnew,
  contextOf,
  cutShort,
  goingOn,
  HOUR_MS,
  journalOf,
  nothing,
  pfxIn,
  policyIn,
  register,
  takes,
  takeUp,
  withRun,
  world,
} from './one-user.ts';

describe('the keys of earlier runs', () => {
  beforeEach(beginAnew);

  describe('that another process of the same run left', () => {
    it('are registered by the one that takes its journal up', () =>
      withFolder(async (out) => {
        await cutShort(out);
        const made = await pfxIn(out);
        assert.equal(made.length, 1);
        const cer = (made[0] ?? '').replace(/pfx$/, 'cer');
        await link(cer, `${cer}.tmp`);
        const result = await takeUp(out);
        assert.deepEqual([result.outcome, result.items[0]?.files?.pfx], ['changed', made[0]]);
        assert.equal((await readdir(dirname(cer))).length, 3, 'nothing else is left');
      }));

    const policies: [string, Partial<KeyPolicy>][] = [
      ['size', { keySize: 3072 }],
      ['hash', { hash: 'sha384' }],
      ['validity', { validForMs: 2 * HOUR_MS }],
      ['encryption', { encryption: 'AES256_SHA256' }],
      ['passphrase policy', { passphrase: 'given' }],
      ['age', { maxAgeMs: -1 }],
    ];
    for (const [what, changes] of policies) {
      it(`are not used where another ${what} is asked for, and go`, () =>
        withFolder(async (out) => {
          await cutShort(out);
          const [made = ''] = await pfxIn(out);
          const result = await takeUp(out, changes);
          assert.equal(result.outcome, 'changed');
          assert.notEqual(result.items[0]?.files?.pfx, made);
          assert.deepEqual(await pfxIn(out), [result.items[0]?.files?.pfx]);
        }));
    }

    for (const extension of ['cer', 'pfx', 'pass']) {
      it(`are set aside and made anew where the .${extension} is torn`, () =>
        withFolder(async (out) => {
          await cutShort(out);
          const [made = ''] = await pfxIn(out);
          await truncate(made.replace(/pfx$/, extension), 0);
          const result = await takeUp(out);
          assert.equal(result.outcome, 'changed');
          const [left, ...others] = result.leftKeys ?? [];
          assert.ok(left?.kind === 'set-aside' && others.length === 0);
          const blamed = extension === 'cer' ? 'cer' : 'pfx';
          assert.ok(left.why.startsWith(made.replace(/pfx$/, blamed)), left.why);
          assert.ok((await readdir(dirname(made))).includes(left.path.slice(dirname(made).length + 1)));
          assert.deepEqual(await pfxIn(out), [result.items[0]?.files?.pfx]);
        }));
    }

    it('are removed where they were never finished', () =>
      withFolder(async (out) => {
        await cutShort(out);
        const [made = ''] = await pfxIn(out);
        const cer = made.replace(/pfx$/, 'cer');
        await rename(cer, `${cer}.tmp`);
        const result = await takeUp(out);
        assert.deepEqual([result.outcome, result.leftKeys], ['changed', undefined]);
        assert.equal((await readdir(dirname(made))).length, 3);
      }));

    for (const dropped of [false, true]) {
      it(`are removed also when the user is done with: they were spare${dropped ? ', and about to go' : ''}`, () =>
        withFolder(async (out) => {
          const journal = await begin(out);
          const digest = 'f'.repeat(32);
          const spare = await keyFilesOf({ out, account: alice.account, machine: 'PC-1', digest }, true);
          await journal.key(alice, 'PC-1', digest, spare, { kind: 'files' });
          await register(contextOf(journal, policyIn(out)));
          await writeFile(`${spare.pfx}.tmp`, 'killed here');
          if (dropped) await journal.dropKey(alice, digest);
          const used = (await readdir(dirname(spare.pfx))).filter((name) => !name.startsWith(digest));
          await journal.close();

          const resumed = await resumeJournal(await takeNamed(journalOf(out), assert.fail), goingOn);
          const history = await readJournal(journalOf(out));
          const control = { concurrency: 1, stop: new AbortController().signal, maxFailures: 0, history };
          const results: UserResult[] = [];
          const observer = {
            started: () => {},
            unknown: () => assert.fail('she is known'),
            finished: async (result: UserResult) => {
              results.push(result);
            },
          };
          const targets = [{ name: 'alice', wanted: [] }];
          await run(targets, () => assert.fail('it is done'), contextOf(resumed, policyIn(out)), control, observer);
          await resumed.close();
          assert.deepEqual(
            results.map(({ doneBefore }) => doneBefore),
            [true],
          );
          assert.deepEqual(await readdir(dirname(spare.pfx)), used);
        }));
    }

    it('are refused where somebody else could have exchanged them', () =>
      withFolder(async (out) => {
        await cutShort(out);
        const [made = ''] = await pfxIn(out);
        await chmod(made, 0o666);
        const result = await takeUp(out);
        assert.equal(result.items[0]?.error?.code, 'untrusted-path');
      }));

    it('are not used again when they were registered once', () =>
      withFolder(async (out) => {
        const journal = await begin(out);
        await register(contextOf(journal, policyIn(out)));
        await journal.close();
        const made = await pfxIn(out);
        world.pair = nothing;
        const result = await takeUp(out);
        assert.notEqual(result.items[0]?.files?.pfx, made[0]);
        assert.ok((await pfxIn(out)).includes(made[0] ?? ''));
      }));
  });

  it(
    'of other runs are never touched, whatever they look like',
    withRun(async (out, journal) => {
      await withFolder(async (elsewhere) => {
        await cutShort(elsewhere);
        const [foreign = ''] = await pfxIn(elsewhere);
        const digest = /([0-9a-f]{32})[.]pfx$/.exec(foreign)?.[1] ?? '';
        const target = { out, account: alice.account, machine: 'PC-1', digest };
        const planted = await keyFilesOf(target, true);
        await mkdir(dirname(planted.pfx), { recursive: true, mode: 0o700 });
        for (const extension of ['pfx', 'cer', 'pass']) {
          await rename(foreign.replace(/pfx$/, extension), planted.pfx.replace(/pfx$/, extension));
        }
        await appendFile(join(dirname(planted.pfx), `${digest}.99999.host.pending`), '');
        world.pair = nothing;
        world.swaps = [takes];
        const before = await readFile(planted.pfx);
        const result = await register(contextOf(journal, policyIn(out)));
        assert.equal(result?.outcome, 'changed');
        assert.notEqual(result.items[0]?.digest, digest);
        assert.ok(!world.pair.digests.some((each) => toHex(each) === digest));
        assert.deepEqual(await readFile(planted.pfx), before);
        assert.equal((await pfxIn(out)).length, 2);
      });
    }),
  );
});
