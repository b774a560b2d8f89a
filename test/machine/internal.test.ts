import assert from 'node:assert/strict';
import { encode } from '../../src/blob/codec.ts';
import type { DecodedState } from '../../src/judge/state.ts';
import { compare, decide } from '../../src/machine/internal.ts';
import { type Sketch, sound, stateOf } from '../plan/states.ts';

const session = { account: 'CORP\\alice', machines: ['PC-1', 'pc-1.corp.example'] };
const internal = (machine: string | null = 'PC-1', findings: Sketch['findings'] = []): Sketch => {
  return { machine, findings, daysLeft: 1000, isForeign: true };
};

describe('how MSMQ is asked for an internal certificate', () => {
  const cases: [what: string, sketches: Sketch[], renew: boolean, flag: string, why: RegExp][] = [
    ['all is well', [internal()], false, 'if-not-exist', /sound one for PC-1/],
    ['all is well, and a new one is wanted', [internal()], true, 'always', /asked for/],
    ['the directory has nothing', [], false, 'always', /has none for PC-1/],
    ['the directory lost it', [internal('PC-2'), sound('PC-3')], false, 'always', /has none for PC-1/],
    ['the directory has only a PFX of ours for it', [sound('PC-1')], false, 'always', /has none/],
    ['the directory lost its digest', [internal('PC-1', ['digest-missing'])], false, 'always', /receiver accepts/],
    ['it has expired', [internal('PC-1', ['expired'])], false, 'always', /receiver accepts/],
    ['one of the unrecognised may be it', [internal(null)], false, 'if-not-exist', /--machine-of/],
    ['it is named by its full name', [internal('pc-1.corp.example')], false, 'if-not-exist', /sound one/],
    ['a machine elsewhere has its name', [internal('pc-1.other.example')], false, 'always', /has none/],
  ];
  for (const [what, sketches, renew, flag, why] of cases) {
    it(`when ${what}`, () => {
      const decision = decide(stateOf(sketches), session, renew);
      assert.equal(decision.flag, flag);
      assert.match(decision.why, why);
    });
  }
});

describe('what MSMQ leaves behind', () => {
  const all = stateOf([internal(), internal('PC-2'), sound('PC-1'), internal()]);
  const [old = fail(), elsewhere = fail(), ours = fail(), fresh = fail()] = all.entries;
  const having = (entries: DecodedState['entries'], orphanDigests: string[] = []): DecodedState => {
    const blob = encode(entries.map(({ entry }) => entry));
    return { ...all, entries, orphanDigests, pair: { blob, digests: entries.map(({ entry }) => entry.digest) } };
  };
  const before = having([old, elsewhere, ours]);

  it('is the digest of the entry that it has removed', () => {
    const after = having([elsewhere, ours, fresh], [old.digest]);
    assert.deepEqual(compare(before, after, session), { added: [fresh.md5], stale: [old.digest] });
  });

  it('is the old entry, when it did not remove it', () => {
    const after = having([old, elsewhere, ours, fresh]);
    assert.deepEqual(compare(before, after, session), { added: [fresh.md5], stale: [old.digest] });
  });

  it('is nothing when there was nothing, and never an orphan from before', () => {
    const after = having([elsewhere, fresh], ['ab'.repeat(16)]);
    const had = having([elsewhere], ['ab'.repeat(16)]);
    assert.deepEqual(compare(had, after, session), { added: [fresh.md5], stale: [] });
  });

  it('is not told while nothing new is seen, or what is new is broken or of another machine', () => {
    assert.deepEqual(compare(before, having([elsewhere], [old.digest]), session), { added: [], stale: [] });
    const broken = { ...fresh, findings: ['digest-missing' as const] };
    assert.deepEqual(compare(before, having([old, broken]), session), { added: [fresh.md5], stale: [] });
    const other = { ...fresh, machine: 'PC-2' };
    assert.deepEqual(compare(before, having([old, other]), session), { added: [], stale: [] });
  });

  it('is not told when two certificates are new at once', () => {
    const two = having([old, elsewhere, fresh]);
    assert.deepEqual(compare(having([old]), two, session).stale, [old.digest]);
    const unknown = { ...elsewhere, machine: null };
    assert.deepEqual(compare(having([old]), having([old, unknown, fresh]), session).stale, []);
  });
});

function fail(): never {
  throw new Error('there are four');
}
