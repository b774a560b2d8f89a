import assert from 'node:assert/strict';
import { appendFile, chmod, link, mkdir, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toHex } from '../../src/blob/digest.ts';
import { applyChange } from '../../src/blob/edit.ts';
import type { Change, Pair } from '../../src/blob/pair.ts';
import { keyFilesOf } from '../../src/certificate/key-files/key-files.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import type { Directory, SwapOutcome, User } from '../../src/directory/directory.ts';
import { userKey } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { takeNamed } from '../../src/journal/find.ts';
import { readJournal } from '../../src/journal/read.ts';
import { beginJournal, type Journal, resumeJournal } from '../../src/journal/write.ts';
import { noComputers } from '../../src/judge/recognise.ts';
import type { UserResult } from '../../src/plan/results.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { type ApplyContext, applyToUser } from '../../src/run/apply.ts';
import type { KeyPolicy } from '../../src/run/keys.ts';
import { run } from '../../src/run/run.ts';
import { withFolder } from '../certificate/support.ts';
import { certificate, pairOf } from '../judge/trouble.ts';

const alice: User = { account: 'CORP\\alice', dn: 'CN=Alice,DC=corp', sid: 'S-1-5-1', guid: null, protected: false };
const subject = parseSubjectTemplate(DEFAULT_SUBJECT);
const HOUR_MS = 3_600_000;
const goingOn = { server: 'scripted', delivers: false };
const nothing: Pair = { blob: null, digests: [] };

type Swap = (before: Pair, change: Change, world: World) => Promise<SwapOutcome>;

/** One user, and what the directory does with each write; the last one is done again and again. */
interface World {
  pair: Pair;
  swaps: Swap[];
  reads: () => void;
}

const takes: Swap = async (_before, change, world) => {
  world.pair = applyChange(world.pair, change);
  return { kind: 'swapped' };
};
const refuses: Swap = async () => ({ kind: 'refused', error: new MsmqCertError('access-denied', 'no right to write') });

function directoryOf(world: World): Directory {
  return {
    server: 'scripted',
    findUser: async () => alice,
    read: async () => {
      world.reads();
      return world.pair;
    },
    swap: async (_user, before, change) => {
      const [next = takes, ...later] = world.swaps;
      if (later.length > 0) world.swaps = later;
      return await next(before, change, world);
    },
    close: async () => {},
  };
}

/** A rival registers a sound certificate for the same machine. */
function rivalRegisters(world: World): void {
  world.pair = pairOf([certificate({ commonName: '[CORP/alice, PC-1]' })]);
}

describe('the keys of a run', () => {
  let stop: AbortController;
  let world: World;
  beforeEach(() => {
    stop = new AbortController();
    world = { pair: nothing, swaps: [], reads: () => {} };
  });

  function policyIn(out: string, changes: Partial<KeyPolicy> = {}): KeyPolicy {
    const keys = { out, keySize: 2048, hash: 'sha256', validForMs: HOUR_MS, subject } as const;
    return { ...keys, encryption: 'TripleDES_SHA1', passphrase: null, maxAgeMs: HOUR_MS, ...changes };
  }

  function contextOf(journal: Journal, keys: KeyPolicy): ApplyContext {
    return {
      directory: directoryOf(world),
      criteria: {
        now: new Date(),
        expiringWithinMs: 0,
        maxCertificates: 820,
        subjects: [subject],
        stated: new Map(),
        computers: noComputers,
      },
      keys,
      journal,
      mode: 'write',
      guardSharedDigests: async () => {},
      beforeWrite: async (plan) => plan,
      whenCoreIsFree: (job) => job(),
      onRetry: () => {},
      beforeRetry: async () => {},
    };
  }

  const journalOf = (out: string) => join(out, 'journal', 'run.ndjson');

  async function begin(out: string): Promise<Journal> {
    const request = { verb: 'register', mode: 'if-not-exists' } as const;
    const keys = { out, keySize: 2048, hash: 'sha256', validFor: HOUR_MS } as const;
    const rest = { pfxEncryption: 'TripleDES_SHA1', passphraseFile: null, maxCertificates: 820 } as const;
    const record = { ...keys, ...rest, subjects: [], machinesOf: {} };
    const header = { request, targets: [], keys: record, directory: 'x', bind: null, ...goingOn };
    return await beginJournal(journalOf(out), header);
  }

  async function register(context: ApplyContext, resumed = false): Promise<UserResult | null> {
    const history = resumed ? await readJournal(journalOf(context.keys.out)) : null;
    const source = { kind: 'new-key' } as const;
    const planner = registerPlanner([{ machine: 'PC-1', source, validForMs: null }], 'if-not-exists');
    return await applyToUser(alice, planner, context, stop.signal, history?.of(userKey(alice)));
  }

  /** A run that is cut short when it has its keys, and the one that takes it up. */
  async function cutShort(out: string): Promise<void> {
    const journal = await begin(out);
    world.swaps = [
      async () => {
        stop.abort(new MsmqCertError('interrupted', 'stopped'));
        return { kind: 'conflict' };
      },
      takes,
    ];
    // the conflict makes it try again, and the keys it would make then are not made any more
    const context = contextOf(journal, policyIn(out));
    const loses = { ...context, beforeRetry: () => Promise.reject(stop.signal.reason) };
    assert.equal(await register(loses), null);
    await journal.close();
    stop = new AbortController();
  }

  async function takeUp(out: string, changes: Partial<KeyPolicy> = {}): Promise<UserResult> {
    const taken = await takeNamed(journalOf(out), assert.fail);
    const journal = await resumeJournal(taken, goingOn);
    const result = await register(contextOf(journal, policyIn(out, changes)), true);
    await journal.close();
    assert.ok(result !== null);
    return result;
  }

  async function pfxIn(out: string): Promise<string[]> {
    const folder = join(out, 'CORP_alice', 'PC-1');
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => name.endsWith('.pfx')).map((name) => join(folder, name));
  }

  const withRun = (work: (out: string, journal: Journal) => Promise<void>) => () =>
    withFolder(async (out) => {
      const journal = await begin(out);
      await work(out, journal).finally(() => journal.close());
    });

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

  describe('that another process of the run left', () => {
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
          const control = { concurrency: 1, stop: stop.signal, maxFailures: 0, history };
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
