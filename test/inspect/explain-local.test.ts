import assert from 'node:assert/strict';
import { joinSides } from '../../src/inspect/explain-local.ts';
import type { Installed } from '../../src/machine/installed.ts';
import { type Sketch, sound, stateOf } from '../plan/states.ts';

describe('the two sides of a certificate', () => {
  const MACHINE = 'PC-1';
  const having = (digest: string, changes: Partial<Installed> = {}): Installed => ({
    ...{ certificate: Buffer.alloc(0), digest, thumbprint: '', account: 'CORP\\alice', machine: MACHINE },
    ...{ provider: 'any', keySpec: 'AT_KEYEXCHANGE', signsSha512: true, exportable: false },
    ...changes,
  });
  const foreign: Sketch = { machine: MACHINE, findings: [], daysLeft: 1000, isForeign: true };
  const expired: Sketch = { machine: MACHINE, findings: ['expired'], daysLeft: -1 };
  const cases: [what: string, Sketch[], (digest: string) => Installed[], string[]][] = [
    ['belong together', [sound(MACHINE)], (digest) => [having(digest)], ['ok']],
    ['lack the registration', [sound('PC-2')], () => [having('ab'.repeat(16))], ['failed']],
    ['lack a sound registration', [expired], (digest) => [having(digest)], ['failed']],
    ['lack the key', [sound(MACHINE)], () => [], ['failed']],
    ['lack a key that signs', [sound(MACHINE)], (digest) => [having(digest, { signsSha512: false })], ['failed']],
    ['lack everything', [sound('PC-2')], () => [], ['failed']],
    ['cannot be told for the internal certificate', [foreign], () => [], ['unknown']],
    [
      'belong together during an overlap',
      [sound(MACHINE), sound(MACHINE)],
      (digest) => [having(digest)],
      ['ok', 'unknown'],
    ],
  ];
  for (const [what, sketches, installed, expected] of cases) {
    it(what, () => {
      const state = stateOf(sketches);
      const checks = joinSides(state, MACHINE, installed(state.entries[0]?.md5 ?? ''));
      assert.deepEqual(
        checks.map(({ status }) => status),
        expected,
      );
    });
  }
});
