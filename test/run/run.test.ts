import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { toHex } from '../../src/blob/digest.ts';
import { append, applyChange, entriesOf, replace } from '../../src/blob/edit.ts';
import type { User } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import type { UserResult } from '../../src/plan/results.ts';
import { withMemoryFolder } from './memory-folder.ts';
import {
  foreignEntry,
  type Script,
  type SwapMove,
  scriptedDirectory,
  userNamed,
  worldWith,
} from './scripted-directory.ts';
import { type Ended, journalNamed, keyMaker, type ScriptedRun, startRun } from './scripted-run.ts';

const names = ['alice', 'bob', 'carol'];
const nothing = { blob: null, digests: [] };

interface Scene {
  world: ReturnType<typeof worldWith>;
  users: User[];
  scripted(changes?: Partial<ScriptedRun>): ScriptedRun;
}

async function inScene(userCount: number, work: (scene: Scene) => Promise<void>): Promise<void> {
  await withMemoryFolder(async (out) => {
    const users = names.slice(0, userCount).map(userNamed);
    const world = worldWith(users.map((user) => [user, nothing]));
    const makePfx = keyMaker();
    const fixed = { world, out, by: 'run', machines: ['PC-1'], makePfx, journal: journalNamed(out, 'run') };
    const verb = { verb: 'register', mode: 'if-not-exists' } as const;
    await work({ world, users, scripted: (changes) => ({ ...fixed, verb, ...changes }) });
  });
}

async function ended(scripted: ScriptedRun): Promise<Ended> {
  const end = await startRun(scripted);
  assert.ok(end.kind === 'ended');
  return end;
}

const saidOf = ({ outcome, items }: UserResult) =>
  [outcome, ...items.map(({ action, error }) => error?.code ?? action)].join(' ');

/** A run that was killed once its first write had taken, before its journal knew. */
async function cutShort({ scripted, world }: Scene): Promise<void> {
  const blind = scriptedDirectory(world, { by: 'run' });
  const written = Promise.withResolvers<void>();
  const directory = {
    ...blind,
    swap: async (...parameters: Parameters<typeof blind.swap>) => {
      await blind.swap(...parameters);
      written.resolve();
      return await new Promise<never>(() => {});
    },
  };
  const end = await startRun(scripted({ context: { directory }, killed: written.promise }));
  assert.equal(end.kind, 'killed');
}

describe('One user', () => {
  const moves: [move: SwapMove, said: string][] = [
    ['takes', 'changed added'],
    ['rival-adds', 'changed added'],
    ['rival-tears', 'changed added'],
    ['lost', 'changed added'],
    ['lost-applied', 'changed added'],
    ['late', 'changed added'],
    ['asked', 'changed added'],
    ['asked-applied', 'changed added'],
    ['asked-overtaken', 'changed added'],
    ['busy', 'changed added'],
    ['refused', 'failed access-denied'],
  ];
  for (const [move, said] of moves) {
    it(`is ${said} when the first swap ${move}`, () =>
      inScene(1, async ({ world, users: [user], scripted }) => {
        const { results } = await ended(scripted({ script: { swaps: [move] } }));
        assert.deepEqual(results.map(saidOf), [said]);
        assert.ok(user);
        const registered = entriesOf(world.pairOf(user)).map(({ digest }) => toHex(digest));
        const [item] = results[0]?.items ?? [];
        if (item?.files == null) assert.deepEqual(registered, []);
        else assert.ok(registered.includes(item.digest ?? '') && existsSync(item.files.pfx ?? ''));
      }));
  }

  const reads: [script: Script, said: string][] = [
    [{ reads: ['fails', 'fails'] }, 'changed added'],
    [{ reads: ['refused'] }, 'failed directory-error'],
    [{ swaps: ['lost-applied'], reads: ['answers', 'fails', 'answers'] }, 'changed added'],
  ];
  for (const [script, said] of reads) {
    it(`is ${said} after ${JSON.stringify(script)}`, () =>
      inScene(1, async ({ scripted }) => {
        const { results } = await ended(scripted({ script }));
        assert.deepEqual(results.map(saidOf), [said]);
      }));
  }

  it('keeps the key of a write that took after its refusal', () =>
    inScene(1, async ({ world, users: [user], scripted }) => {
      const { results } = await ended(scripted({ script: { swaps: ['late', 'refused'] } }));
      assert.deepEqual(results.map(saidOf), ['failed access-denied']);
      assert.ok(user);
      const [entry] = entriesOf(world.pairOf(user));
      assert.ok(entry);
      const pfx = `${scripted().out}/CORP_alice/PC-1/${toHex(entry.digest)}.pfx`;
      assert.ok(existsSync(pfx));
    }));
});

describe('A run that goes on with another one', () => {
  it('says what that one had done', () =>
    inScene(1, async (scene) => {
      await cutShort(scene);
      const { results } = await ended(scene.scripted());
      assert.deepEqual(results.map(saidOf), ['changed added']);
      assert.equal(scene.world.versions.length, 2, 'nothing is written again');
    }));

  const torn: [what: string, tear: (scene: Scene, user: User) => void][] = [
    [
      'the blob is gone and the digest left',
      ({ world }, user) => world.put(user, { blob: null, digests: world.pairOf(user).digests }),
    ],
    [
      'the digest is gone and the blob left',
      ({ world }, user) => world.put(user, { blob: world.pairOf(user).blob, digests: [] }),
    ],
  ];
  for (const [what, tear] of torn) {
    it(`registers again when ${what}`, () =>
      inScene(1, async (scene) => {
        await cutShort(scene);
        const [user] = scene.users;
        assert.ok(user);
        tear(scene, user);
        const versions = scene.world.versions.length;
        const { results } = await ended(scene.scripted());
        assert.equal(results[0]?.outcome, 'changed');
        assert.equal(scene.world.versions.length, versions + 1);
        const { blob, digests } = scene.world.pairOf(user);
        const [entry] = entriesOf({ blob, digests });
        assert.ok(entry && digests.some((digest) => toHex(digest) === toHex(entry.digest)));
        assert.equal(results[0]?.items[0]?.digest, toHex(entry.digest));
      }));
  }

  it('looks again at what needed nothing, when somebody has changed that since', () =>
    inScene(1, async (scene) => {
      const { world, users, scripted } = scene;
      const [user] = users;
      assert.ok(user);
      const machines = ['PC-1', 'PC-2'];
      const [old, renewed] = [1, 2].map((serial) => foreignEntry(user, 'PC-1', serial));
      assert.ok(old && renewed);
      world.put(user, applyChange(nothing, append(nothing, [old])));
      await cutShort({ ...scene, scripted: (changes) => scripted({ machines, ...changes }) });
      world.put(user, applyChange(world.pairOf(user), replace(world.pairOf(user), [old.digest], [renewed])));
      const { results } = await ended(scripted({ machines }));
      const [{ items } = { items: [] }] = results;
      const said = items.find(({ machine }) => machine === 'PC-1');
      assert.deepEqual([said?.action, said?.digest], ['unchanged', toHex(renewed.digest)]);
      assert.equal(items.length, 2);
    }));

  it('goes on with the others when one of them cannot be asked', () =>
    inScene(3, async (scene) => {
      await cutShort(scene);
      const { outcome, results } = await ended(scene.scripted({ script: { reads: ['refused'] } }));
      assert.deepEqual(results.map(saidOf), ['failed directory-error', 'changed added', 'changed added']);
      assert.deepEqual([outcome.stoppedBy, outcome.summary.failed, outcome.summary.added], [null, 1, 2]);
    }));
});

describe('A directory that fails while names are looked up', () => {
  it('is asked no more, and nothing is under way when the run ends', () =>
    inScene(3, async ({ scripted, world }) => {
      const asked: string[] = [];
      const findUser = async (name: string) => {
        asked.push(name);
        throw new MsmqCertError('directory-unreachable', 'gone');
      };
      const directory = { ...scriptedDirectory(world, { by: 'run' }), findUser };
      await assert.rejects(startRun(scripted({ context: { directory } })), { code: 'directory-unreachable' });
      assert.deepEqual(asked, ['alice']);
    }));
});

describe('An observer that throws', () => {
  it('stops the run, which finishes what is under way and says so', () =>
    inScene(3, async ({ scripted, world }) => {
      const told: string[] = [];
      const finished = async ({ user }: UserResult) => {
        told.push(user.account);
        if (told.length === 1) throw new MsmqCertError('file-unwritable', 'the report cannot be written');
      };
      const { outcome } = await ended(scripted({ observer: { finished }, control: { concurrency: 2 } }));
      assert.equal(outcome.stoppedBy?.code, 'file-unwritable');
      const written = new Set(world.versions.slice(3).map(({ user }) => user.account));
      assert.deepEqual(new Set(told), written, 'whoever was written was told of before the run ended');
      assert.equal(written.size + (outcome.remaining ?? Number.NaN), 3);
      const journal = await readFile(scripted().journal, 'utf8');
      assert.ok(!journal.includes('"type":"end"'));
    }));
});
