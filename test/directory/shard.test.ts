import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isInShard, parseShard, type Shard } from '../../src/directory/shard.ts';

const counts = fc.integer({ min: 1, max: 40 });
const users = fc.record({
  guid: fc.option(fc.uuid()),
  sid: fc.option(fc.integer({ min: 1000, max: 1_000_000 }).map((rid) => `S-1-5-21-1-2-3-${rid}`)),
  dn: fc.string({ minLength: 1 }).map((name) => `CN=${name},DC=corp,DC=example`),
});

function shardsOf(count: number): Shard[] {
  return Array.from({ length: count }, (_, index) => ({ index: index + 1, count }));
}

describe('shards', () => {
  it('hold each user exactly once', () => {
    fc.assert(
      fc.property(users, counts, (user, count) => {
        assert.equal(shardsOf(count).filter((shard) => isInShard(user, shard)).length, 1);
      }),
    );
  });

  it('keep a user that is renamed or moved, however the GUID is written', () => {
    fc.assert(
      fc.property(users, fc.uuid(), users, counts, (user, guid, renamed, count) => {
        for (const shard of shardsOf(count)) {
          const before = isInShard({ ...user, guid }, shard);
          assert.equal(isInShard({ ...renamed, guid: guid.toUpperCase() }, shard), before);
        }
      }),
    );
  });

  it('keep a user without GUID by its SID', () => {
    fc.assert(
      fc.property(users, users, counts, (user, renamed, count) => {
        const sid = 'S-1-5-21-1-2-3-1104';
        for (const shard of shardsOf(count)) {
          const before = isInShard({ ...user, guid: null, sid }, shard);
          assert.equal(isInShard({ ...renamed, guid: null, sid }, shard), before);
        }
      }),
    );
  });

  it('are about as large as one another', () => {
    const of8 = Array.from({ length: 8000 }, (_, number) => ({ guid: null, sid: null, dn: `CN=user${number}` }));
    for (const shard of shardsOf(8)) {
      const { length } = of8.filter((user) => isInShard(user, shard));
      assert.ok(length > 850 && length < 1150, `${length} of 8000`);
    }
  });

  it('stay what they are from one version to the next', () => {
    const guids = ['6f9619ff-8b86-d011-b42d-00c04fc964ff', '00000000-0000-0000-0000-000000000001'];
    const shards = guids.map((guid) => shardsOf(8).find((shard) => isInShard({ guid, sid: null, dn: '' }, shard)));
    assert.deepEqual(
      shards.map((shard) => shard?.index),
      [7, 4],
    );
  });

  it('are written as a part and the number of parts', () => {
    assert.deepEqual(parseShard('2/8'), { index: 2, count: 8 });
    for (const text of ['0/8', '9/8', '2', '2/', '2/0', '-1/3', '1.5/3', '2/8 ', '01/8', '']) {
      assert.equal(parseShard(text), null, text);
    }
  });
});
