import assert from 'node:assert/strict';
import { type Entry, encode } from '../../src/blob/codec.ts';
import { md5, toHex } from '../../src/blob/digest.ts';
import type { Pair } from '../../src/blob/pair.ts';
import { pairKey } from '../../src/blob/pair.ts';
import type { Listing, User } from '../../src/directory/directory.ts';
import { assess } from '../../src/judge/state.ts';
import type { UserPlan } from '../../src/plan/plan.ts';
import { planPair } from '../../src/plan/plan-pair.ts';
import { sharedDigestGuard } from '../../src/plan/shared-digests.ts';
import { registerPlanner } from '../../src/plan/verbs/register.ts';
import { repairPlanner } from '../../src/plan/verbs/repair.ts';
import { undoPlanner } from '../../src/plan/verbs/undo.ts';
import { derSequence } from '../blob/arbitraries.ts';
import { alice, criteria } from './states.ts';

const bob: User = { ...alice, account: 'CORP\\bob', dn: 'CN=Bob,OU=MQ,DC=corp,DC=example', sid: 'S-1-5-21-1-2-3-1105' };
const nothing: Pair = { blob: null, digests: [] };

const entries = Array.from({ length: 9 }, (_, index): Entry => {
  const certificate = derSequence(Buffer.from(`certificate ${index}`));
  return { digest: md5(certificate), identifier: Buffer.alloc(16, index), certificate };
});
const whole: Pair = { blob: encode(entries), digests: entries.map(({ digest }) => digest) };
const digestOf = (index: number) => toHex(entries[index]?.digest ?? Buffer.alloc(0));

/** A directory in which these users have these digests, and what it was asked for. */
function holding(holders: Record<string, User>) {
  const asked: number[] = [];
  const findByDigest: Listing['findByDigest'] = async (digests) => {
    asked.push(digests.length);
    return { reach: { kind: 'forest' }, users: digests.flatMap((digest) => holders[toHex(digest)] ?? []) };
  };
  return { asked, guard: sharedDigestGuard(findByDigest) };
}

const stateOf = (pair: Pair, user = alice) => assess(user, pair, criteria);
const restored = (user = alice): UserPlan => planPair(stateOf(nothing, user), whole, criteria, 'restored');

describe('the guard against a digest on two objects', () => {
  it('refuses a restore of what somebody else has by now, and names which and who', async () => {
    const { guard } = holding({ [digestOf(6)]: bob });
    await assert.rejects(guard(restored()), {
      code: 'digest-shared',
      message: `the certificate with the digest ${digestOf(6)} is registered for CORP\\bob already, found in the forest`,
    });
  });

  it('asks once for all digests of a user, and not at all for new keys', async () => {
    const { guard, asked } = holding({});
    await guard(restored());
    const wanted = { machine: 'PC-1', source: { kind: 'new-key' }, validForMs: null } as const;
    await guard(registerPlanner([wanted], 'always')(stateOf(nothing)));
    assert.deepEqual(asked, [9]);
  });

  it('does not mind what the user has himself', async () => {
    await holding({ [digestOf(0)]: { ...alice, dn: 'CN=Alice Smith,DC=corp' } }).guard(restored());
  });

  it('refuses an undo and a repair that would share one', async () => {
    const written = [{ before: whole, after: pairKey(nothing) }];
    const undone = undoPlanner(() => written, 'journal', criteria)(stateOf(nothing));
    await assert.rejects(holding({ [digestOf(2)]: bob }).guard(undone), { code: 'digest-shared' });
    const torn = stateOf({ ...whole, digests: whole.digests.slice(1) });
    const repaired = repairPlanner({ salvage: false, confirmed: false }, criteria)(torn);
    await assert.rejects(holding({ [digestOf(0)]: bob }).guard(repaired), { code: 'digest-shared' });
  });

  it('lets a change pass that adds none of what is shared already', async () => {
    const less = { blob: encode(entries.slice(1)), digests: whole.digests.slice(1) };
    const plan = planPair(stateOf(whole), less, criteria, 'restored');
    await holding({ [digestOf(4)]: bob }).guard(plan);
  });

  it('refuses the second of two users who would get the same in one run', async () => {
    const { guard } = holding({});
    await guard(restored());
    await guard(restored());
    await assert.rejects(guard(restored(bob)), {
      code: 'digest-shared',
      message: /is meant for CORP\\bob and for CORP\\alice in the same run$/,
    });
  });
});
