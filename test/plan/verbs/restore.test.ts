import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, encode } from '../../../src/blob/codec.ts';
import { md5, toHex } from '../../../src/blob/digest.ts';
import { type Pair, samePair } from '../../../src/blob/pair.ts';
import type { User } from '../../../src/directory/directory.ts';
import { entryRecord } from '../../../src/directory/ldif/entry.ts';
import { assess } from '../../../src/judge/state.ts';
import type { UserPlan } from '../../../src/plan/plan.ts';
import { readBackup, restorePlanner } from '../../../src/plan/verbs/restore.ts';
import { derSequence } from '../../blob/arbitraries.ts';
import { withFolder } from '../../certificate/support.ts';
import { alice, criteria } from '../states.ts';

const bob: User = { ...alice, account: 'CORP\\bob', dn: 'CN=Bob,OU=MQ,DC=corp,DC=example', sid: 'S-1-5-21-1-2-3-1105' };
const nothing: Pair = { blob: null, digests: [] };

const [first, second] = ['one', 'two'].map((text): Entry => {
  const certificate = derSequence(Buffer.from(text));
  return { digest: md5(certificate), identifier: md5(Buffer.from(text)), certificate };
}) as [Entry, Entry];
const pairOf = (...entries: Entry[]): Pair => ({
  blob: encode(entries),
  digests: entries.map(({ digest }) => digest),
});
const whole = pairOf(first, second);
const orphan = Buffer.alloc(16, 9);

/** A record as another program exports it, with only some of the attributes. */
function exported(user: User, pair: Pair): string {
  return entryRecord(user, pair).replaceAll(/^#.*\n/gm, '');
}

/** Plans the restore of alice from a file, for a directory in which she has `before`. */
async function restore(text: string, before: Pair, confirmed = false): Promise<UserPlan> {
  return await withFolder(async (folder) => {
    const file = join(folder, 'backup.ldif');
    await writeFile(file, text);
    return restorePlanner(await readBackup(file), 'backup.ldif', confirmed, criteria)(assess(alice, before, criteria));
  });
}

function desiredBy({ desired }: UserPlan): Pair {
  return desired.kind === 'pair' ? desired.pair : assert.fail('restore says what the pair shall be');
}

describe('restoring', () => {
  it('puts back what our own backup holds, byte for byte, whatever was missing then', async () => {
    const blank = { blob: Buffer.from('no blob'), digests: [] };
    for (const pair of [whole, { ...whole, digests: [] }, { blob: null, digests: [orphan] }, nothing, blank]) {
      const made = await restore(entryRecord(alice, pair), pairOf(second), true);
      assert.ok(samePair(desiredBy(made), pair));
      assert.deepEqual(made.notes, []);
    }
  });

  it('makes the digests that an export left out from its certificates, and says so', async () => {
    const file = exported(alice, { ...whole, digests: [] });
    for (const before of [nothing, whole, pairOf(first)]) {
      const made = await restore(file, before);
      assert.ok(samePair(desiredBy(made), whole));
      assert.match(made.notes.join(), /no mSMQDigests of CORP\\alice: they are made from the certificates/);
      assert.equal(made.refusal, null);
    }
  });

  it('refuses an export whose gaps nobody can fill', async () => {
    const gaps: [Pair, RegExp][] = [
      [{ blob: Buffer.from('no blob'), digests: [] }, /no mSMQDigests of CORP\\alice$/],
      [{ blob: null, digests: whole.digests }, /no mSMQSignCertificates of CORP\\alice$/],
      [nothing, /no mSMQSignCertificates and no mSMQDigests of CORP\\alice$/],
    ];
    for (const [pair, message] of gaps) {
      await assert.rejects(restore(exported(alice, pair), whole, true), { code: 'incomplete-backup', message });
    }
    assert.deepEqual(
      (await restore(exported(alice, nothing), nothing)).verdicts.map(({ kind }) => kind),
      ['unchanged'],
    );
  });

  it('takes an export at its word that shows both attributes of others and none of the user', async () => {
    const file = exported(bob, whole) + exported(alice, nothing);
    const made = await restore(file, pairOf(first));
    assert.ok(samePair(desiredBy(made), nothing));
    assert.match(made.refusal?.message ?? '', /^1 certificate of CORP\\alice/);
    assert.equal((await restore(file, pairOf(first), true)).refusal, null);
  });

  it('counts digests that go as removals', async () => {
    const torn = entryRecord(alice, { ...whole, digests: [] });
    const made = await restore(torn, whole);
    assert.match(made.refusal?.message ?? '', /^2 digests of CORP\\alice that the backup does not hold would go$/);
    assert.deepEqual(
      made.digests.map(({ action, digest }) => `${action} ${digest}`),
      [first, second].map(({ digest }) => `delete ${toHex(digest)}`),
    );
    // the certificates come back, their digests leave
    const bare = await restore(torn, { blob: null, digests: whole.digests });
    assert.equal(bare.digests.length, 2);
    assert.equal(bare.refusal?.code, 'confirmation-needed');
    const more = await restore(entryRecord(alice, pairOf(first)), { ...whole, digests: [...whole.digests, orphan] });
    assert.match(more.refusal?.message ?? '', /^1 certificate and 1 digest of CORP\\alice/);
  });
});
