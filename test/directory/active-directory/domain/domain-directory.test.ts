import assert from 'node:assert/strict';
import type { Change, Pair } from '../../../../src/blob/pair.ts';
import { directoryOver } from '../../../../src/directory/active-directory/domain/domain-directory.ts';
import { makeRoster } from '../../../../src/directory/active-directory/domain/server-roster.ts';
import type { Directory } from '../../../../src/directory/directory.ts';
import { MsmqCertError } from '../../../../src/errors.ts';
import { NOTHING, person, type StandInServer, standInServer } from '../domain-stand-in.ts';

const alice = person('alice');
const bob = person('bob');

const one: Change = { blob: Buffer.from('one'), digestsToAdd: [Buffer.alloc(16, 1)], digestsToDelete: [] };
const afterOne: Pair = { blob: Buffer.from('one'), digests: [Buffer.alloc(16, 1)] };

describe('a directory over several domain controllers', () => {
  let dc1: StandInServer;
  let dc2: StandInServer;
  let moves: string[];

  function open(patienceMs = 0, use: 'read' | 'write' = 'write'): Directory {
    dc1 = standInServer('dc1');
    dc2 = standInServer('dc2');
    moves = [];
    const roster = makeRoster({
      servers: [dc1, dc2],
      admit: ({ rootDse }) => {
        if (rootDse.isReadOnly) throw new MsmqCertError('referral', 'read-only');
      },
      onMove: (from, to) => moves.push(`${from.host} to ${to.host}`),
      graceMs: [0],
    });
    return directoryOver(roster, use, patienceMs);
  }

  it('sends everything to the first while it answers', async () => {
    const directory = open();
    await directory.findUser('alice');
    assert.deepEqual(await directory.read(alice), NOTHING);
    assert.deepEqual(await directory.swap(alice, NOTHING, one), { kind: 'swapped' });
    assert.deepEqual(dc1.seen, ['find alice', 'read alice', 'swap alice']);
    assert.deepEqual(dc2.seen, []);
    assert.equal(directory.server, 'ldaps://dc1:636');
  });

  it('gives a server that restarts a moment', async () => {
    const directory = open();
    await directory.read(alice);
    dc1.up = false;
    const reading = directory.read(bob);
    dc1.up = true;
    await reading;
    assert.deepEqual(moves, []);
  });

  it('goes on with the next for the next user, says so once, and stays there', async () => {
    const directory = open();
    await directory.read(alice);
    await directory.swap(alice, NOTHING, one);
    dc1.up = false;
    await Promise.all([directory.read(bob), directory.findUser('carol')]);
    dc1.up = true;
    assert.deepEqual(await directory.swap(bob, NOTHING, one), { kind: 'swapped' });
    assert.deepEqual(moves, ['dc1 to dc2']);
    assert.equal(directory.server, 'ldaps://dc2:636');
    assert.deepEqual(dc2.users.get('bob'), afterOne);
    assert.equal(dc1.users.has('bob'), false);
  });

  it('swaps where the user was read, although another server is in use by now', async () => {
    const directory = open();
    await directory.read(alice);
    dc1.up = false;
    await directory.read(bob);
    await assert.rejects(directory.swap(alice, NOTHING, one), { code: 'directory-unreachable' });
    dc1.up = true;
    assert.deepEqual(await directory.swap(alice, NOTHING, one), { kind: 'swapped' });
    assert.deepEqual(dc1.users.get('alice'), afterOne);
    assert.equal(dc2.users.has('alice'), false);
  });

  it('goes on with a user of whom nothing was sent where the other server shows the same', async () => {
    const directory = open();
    await directory.read(alice);
    dc1.up = false;
    await assert.rejects(directory.swap(alice, NOTHING, one), { code: 'directory-unreachable' });
    assert.deepEqual(await directory.read(alice), NOTHING);
    assert.deepEqual(await directory.swap(alice, NOTHING, one), { kind: 'swapped' });
    assert.deepEqual(dc2.users.get('alice'), afterOne);
  });

  it('does not go on with a user whom the other server shows differently', async () => {
    const directory = open();
    dc1.users.set('alice', afterOne);
    await directory.read(alice);
    dc1.up = false;
    await assert.rejects(directory.read(alice), {
      code: 'conflict',
      message: /dc2 does not show CORP\\alice as dc1 did/,
    });
    dc2.users.set('alice', afterOne);
    assert.deepEqual(await directory.read(alice), afterOne);
  });

  it('does not go on with a written user before the other server knows the write', async () => {
    const directory = open();
    await directory.read(alice);
    await directory.swap(alice, NOTHING, one);
    dc1.up = false;
    await assert.rejects(directory.read(alice), { code: 'conflict' });
  });

  describe('after a swap of unknown outcome', () => {
    async function loseAnswer(directory: Directory): Promise<void> {
      await directory.read(alice);
      dc1.dieDuringSwap = true;
      await assert.rejects(directory.swap(alice, NOTHING, one), { code: 'directory-unreachable' });
    }

    it('never goes on elsewhere with that user, but does with others', async () => {
      const directory = open();
      await loseAnswer(directory);
      await assert.rejects(directory.read(alice), {
        code: 'outcome-unknown',
        message: 'dc1 stopped answering during the write to CORP\\alice, and dc2 does not know of it',
        hint: /when dc1 answers again/,
      });
      assert.deepEqual(await directory.read(bob), NOTHING);
      assert.deepEqual(await directory.swap(bob, NOTHING, one), { kind: 'swapped' });
      await assert.rejects(directory.read(alice), { code: 'outcome-unknown' });
      assert.deepEqual(
        dc2.seen.filter((each) => each.startsWith('swap')),
        ['swap bob'],
      );
      assert.match(directory.serverOf?.(alice) ?? '', /dc1/);
    });

    it('asks its server again for a while, as that may only restart', async () => {
      const directory = open(60_000);
      await loseAnswer(directory);
      await assert.rejects(directory.read(alice), { code: 'directory-unreachable' });
      dc1.up = true;
      assert.deepEqual(await directory.read(alice), afterOne);
    });

    it('takes the outcome from another server that has it already', async () => {
      const directory = open();
      await loseAnswer(directory);
      dc2.users.set('alice', afterOne);
      assert.deepEqual(await directory.read(alice), afterOne);
      assert.match(directory.serverOf?.(alice) ?? '', /dc2/);
    });

    it('stays with the server that an earlier run names', async () => {
      const directory = open();
      dc1.up = false;
      await directory.read(bob);
      directory.stayWith?.(alice, 'ldaps://DC1:636');
      await assert.rejects(directory.read(alice), { code: 'outcome-unknown' });
      dc1.up = true;
      assert.deepEqual(await directory.read(alice), NOTHING);
      assert.deepEqual(await directory.swap(alice, NOTHING, one), { kind: 'swapped' });
      assert.deepEqual(dc1.users.get('alice'), afterOne);
      assert.throws(() => directory.stayWith?.(alice, 'ldaps://dc9:636'), { code: 'outcome-unknown', message: /dc9/ });
    });
  });

  it('fails when no server answers, and works again when one does', async () => {
    const directory = open();
    dc1.up = false;
    dc2.up = false;
    await assert.rejects(directory.read(alice), { code: 'directory-unreachable' });
    dc1.up = true;
    assert.deepEqual(await directory.read(alice), NOTHING);
  });

  it('does not take over with a read-only server', async () => {
    const directory = open();
    await directory.read(alice);
    dc1.up = false;
    dc2.isReadOnly = true;
    await assert.rejects(directory.read(bob), {
      code: 'directory-unreachable',
      message: /^dc1 .*take over.*read-only/,
    });
  });

  it('writes nothing when it was opened for reading', async () => {
    const directory = open(0, 'read');
    const outcome = await directory.swap(alice, await directory.read(alice), one);
    assert.equal(outcome.kind, 'refused');
    assert.deepEqual(dc1.seen, ['read alice']);
  });
});
