import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode, type Entry, encode } from '../../../src/blob/codec.ts';
import { md5, toHex } from '../../../src/blob/digest.ts';
import { applyChange, entriesOf } from '../../../src/blob/edit.ts';
import { examine } from '../../../src/blob/findings.ts';
import type { Pair } from '../../../src/blob/pair.ts';
import { assess } from '../../../src/judge/state.ts';
import { changeOf, changesSomething, type UserPlan } from '../../../src/plan/plan.ts';
import { type RepairRequest, repairPlanner } from '../../../src/plan/verbs/repair.ts';
import { arbitraryEntry, derSequence } from '../../blob/arbitraries.ts';
import { alice, criteria } from '../states.ts';

function plan(pair: Pair, request: RepairRequest = { salvage: false, confirmed: false }): UserPlan {
  return repairPlanner(request, criteria)(assess(alice, pair, criteria));
}

function pairAfter(made: UserPlan): Pair {
  const change = changeOf(made, [], () => assert.fail('repair makes no certificate'));
  return applyChange(made.before, change);
}

function certificatesIn(pair: Pair): string[] {
  return [...new Set(entriesOf(pair).map(({ certificate }) => toHex(certificate)))].sort();
}

/** Pairs as accidents leave them: wrong Digest fields, entries twice, digests missing, digests of nothing. */
function arbitraryPair(): fc.Arbitrary<Pair> {
  return fc
    .record({
      entries: fc.array(arbitraryEntry(), { maxLength: 8 }),
      twice: fc.array(fc.nat(), { maxLength: 3 }),
      missing: fc.array(fc.nat(), { maxLength: 3 }),
      orphans: fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 3 }),
    })
    .map(({ entries, twice, missing, orphans }) => {
      const doubled = entries.length === 0 ? [] : twice.flatMap((at) => entries[at % entries.length] ?? []);
      const all = [...entries, ...doubled];
      const listed = new Map(all.map(({ digest }) => [toHex(digest), digest]));
      for (const at of missing) listed.delete([...listed.keys()][at % Math.max(1, listed.size)] ?? '');
      for (const orphan of orphans) listed.set(toHex(orphan), Buffer.from(orphan));
      return { blob: all.length === 0 ? null : encode(all), digests: [...listed.values()] };
    });
}

const certificate = derSequence(Buffer.from('a certificate'));
const entry: Entry = { digest: md5(certificate), identifier: Buffer.alloc(16, 1), certificate };

describe('repairing a pair', () => {
  it('leaves nothing to repair, whatever was wrong', () => {
    fc.assert(
      fc.property(arbitraryPair(), (pair) => {
        const repaired = pairAfter(plan(pair));
        const examination = examine(repaired);
        assert.ok(examination.kind === 'decoded');
        assert.deepEqual(examination.orphanDigests, []);
        for (const { findings } of examination.entries) assert.deepEqual(findings, []);
        assert.equal(repaired.digests.length, examination.entries.length);
      }),
    );
  });

  it('makes no certificate and loses none, and keeps the identifiers', () => {
    fc.assert(
      fc.property(arbitraryPair(), (pair) => {
        const repaired = pairAfter(plan(pair));
        assert.deepEqual(certificatesIn(repaired), certificatesIn(pair));
        const before = new Set(entriesOf(pair).map(({ identifier }) => toHex(identifier)));
        for (const { identifier } of entriesOf(repaired)) assert.ok(before.has(toHex(identifier)));
      }),
    );
  });

  it('has nothing to do the second time, and nothing for a sound pair', () => {
    fc.assert(
      fc.property(arbitraryPair(), (pair) => {
        const again = plan(pairAfter(plan(pair)));
        assert.equal(changesSomething(again), false);
        assert.deepEqual(
          again.verdicts.map(({ kind }) => kind),
          ['unchanged'],
        );
      }),
    );
  });

  it('names each thing that it does once', () => {
    const other = derSequence(Buffer.from('another'));
    const wrong: Entry = { digest: Buffer.alloc(16, 7), identifier: Buffer.alloc(16, 2), certificate: other };
    const made = plan({ blob: encode([entry, wrong, entry]), digests: [Buffer.alloc(16, 7), Buffer.alloc(16, 9)] });
    assert.deepEqual(
      made.items.map(({ action }) => action),
      ['keep', 'correct', 'delete'],
    );
    assert.deepEqual(
      made.digests.map(({ action, digest }) => `${action} ${digest}`),
      [`add ${toHex(entry.digest)}`, `delete ${'09'.repeat(16)}`],
    );
  });

  it('lets the digests follow the blob when replication tore the pair', () => {
    const lost = derSequence(Buffer.from('written on the other server'));
    const torn = { blob: encode([entry]), digests: [md5(lost)] };
    assert.deepEqual(pairAfter(plan(torn)), { blob: torn.blob, digests: [entry.digest] });
    assert.deepEqual(pairAfter(plan({ blob: null, digests: [md5(lost)] })), { blob: null, digests: [] });
  });

  it('does not touch a malformed blob', () => {
    assert.throws(() => plan({ blob: Buffer.from('no blob'), digests: [] }), { code: 'malformed-blob' });
  });
});

describe('salvaging', () => {
  const cut = { blob: encode([entry, entry]).subarray(0, -3), digests: [entry.digest, Buffer.alloc(16, 9)] };
  const salvaging = { salvage: true, confirmed: true };

  it('keeps what can be read, repairs it, and says what is lost', () => {
    const made = plan(cut, salvaging);
    assert.deepEqual(pairAfter(made), { blob: encode([entry]), digests: [entry.digest] });
    assert.equal(made.refusal, null);
    const offset = 4 + 36 + certificate.length;
    assert.ok(
      made.notes.some((note) => note.includes(`from byte ${offset} on`)),
      made.notes.join(),
    );
  });

  it('must be confirmed', () => {
    const made = plan(cut, { salvage: true, confirmed: false });
    assert.equal(made.refusal?.code, 'confirmation-needed');
  });

  it('ends with no attributes when nothing can be read', () => {
    const made = plan({ blob: Buffer.from('nothing in it'), digests: [entry.digest] }, salvaging);
    assert.deepEqual(pairAfter(made), { blob: null, digests: [] });
  });

  it('is an ordinary repair for a blob that can be read', () => {
    const sound = { blob: encode([entry]), digests: [] };
    assert.deepEqual(plan(sound, salvaging), plan(sound));
    assert.equal(decode(pairAfter(plan(sound, salvaging)).blob ?? Buffer.alloc(0)).length, 1);
  });
});
