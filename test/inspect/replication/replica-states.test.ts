import assert from 'node:assert/strict';
import { encode } from '../../../src/blob/codec.ts';
import { newEntry } from '../../../src/blob/edit.ts';
import type { Pair } from '../../../src/blob/pair.ts';
import type { Stamp, Stamps } from '../../../src/directory/replicas.ts';
import { MsmqCertError } from '../../../src/errors.ts';
import { compareStamps, type Observation, reconcile } from '../../../src/inspect/replication/replica-states.ts';

const DC1 = '11111111-0000-0000-0000-000000000000';
const DC2 = '22222222-0000-0000-0000-000000000000';

function pairOf(...contents: string[]): Pair {
  const entries = contents.map((text) => newEntry(Buffer.from([0x30, text.length, ...Buffer.from(text)])));
  return { blob: entries.length === 0 ? null : encode(entries), digests: entries.map(({ digest }) => digest) };
}

function stamp(version: number, origin = DC1, second = 0): Stamp {
  return { version, changedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, second)), origin };
}

function both(each: Stamp): Stamps {
  return { blob: each, digests: each };
}

function read(pair: Pair, stamps: Stamps | null): Observation {
  return { kind: 'read', pair, stamps };
}

const unreachable: Observation = { kind: 'unreachable', error: new MsmqCertError('directory-unreachable', 'gone') };

describe('replica states', () => {
  const old = pairOf('old');
  const fresh = pairOf('old', 'new');

  it('are current where the bytes agree, in whatever order the digests come', () => {
    const reversed = { blob: fresh.blob, digests: fresh.digests.toReversed() };
    const verdict = reconcile([read(fresh, both(stamp(2))), read(reversed, both(stamp(2)))]);
    assert.deepEqual(verdict, { states: ['current', 'current'], torn: false });
  });

  it('are behind where an older write is, or none, or no object', () => {
    const { states } = reconcile([
      read(old, both(stamp(1))),
      read(fresh, both(stamp(2))),
      read(pairOf(), { blob: null, digests: null }),
      { kind: 'absent' },
      unreachable,
    ]);
    assert.deepEqual(states, ['behind', 'current', 'behind', 'behind', 'unreachable']);
  });

  it('measure by the first server that could be read where there are no stamps', () => {
    const { states } = reconcile([unreachable, read(fresh, null), read(old, both(stamp(9))), read(fresh, null)]);
    assert.deepEqual(states, ['unreachable', 'current', 'differs', 'current']);
  });

  it('differ where the same write has other bytes', () => {
    const { states } = reconcile([read(fresh, both(stamp(2))), read(old, both(stamp(2)))]);
    assert.deepEqual(states, ['current', 'differs']);
  });

  it('are torn when the winning halves come from two servers and do not match', () => {
    const [mine, theirs] = [pairOf('mine'), pairOf('theirs')];
    const apart = reconcile([
      read(mine, { blob: stamp(3), digests: stamp(2) }),
      read(theirs, { blob: stamp(2, DC2), digests: stamp(3, DC2) }),
    ]);
    assert.deepEqual(apart, { states: ['behind', 'behind'], torn: true });
    const torn: Pair = { blob: mine.blob, digests: theirs.digests };
    const stamps = { blob: stamp(3), digests: stamp(3, DC2) };
    assert.deepEqual(reconcile([read(torn, stamps), read(torn, stamps)]), {
      states: ['current', 'current'],
      torn: true,
    });
  });

  it('are not torn when the halves match, or one server wrote them both', () => {
    const mixed = { blob: stamp(3), digests: stamp(3, DC2) };
    assert.equal(reconcile([read(fresh, mixed)]).torn, false);
    assert.equal(reconcile([read({ blob: fresh.blob, digests: old.digests }, both(stamp(3)))]).torn, false);
  });

  it('go by version, then time, then invocation id', () => {
    const rising = [null, stamp(1, DC2, 9), stamp(2, DC2, 1), stamp(2, DC1, 2), stamp(2, DC2, 2)];
    for (const [index, each] of rising.entries()) {
      for (const [other, against] of rising.entries()) {
        assert.equal(Math.sign(compareStamps(each, against)), Math.sign(index - other));
      }
    }
  });
});
