import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hostOf, machineIndex, parseMachine, sameMachine } from '../../src/certificate/machine.ts';

describe('parseMachine', () => {
  it('takes names as they are written', () => {
    for (const name of ['PC-1', 'pc-1.corp.example', 'BÜRO-1', 'x', '10.0.0.7', 'a_b', 'y'.repeat(255)]) {
      assert.equal(parseMachine(name), name);
    }
  });

  it('refuses what no machine is called', () => {
    const wrong = [
      '',
      'x'.repeat(256),
      'a b',
      'a\tb',
      'a\u00a0b',
      'a\0b',
      'a\u202eb',
      'a\u200bb',
      '.',
      '..',
      '.a',
      'a.',
      'a..b',
    ];
    for (const name of [...wrong, ...[...'\\/:*?"<>|,+=;[]'].map((character) => `a${character}b`)]) {
      assert.throws(() => parseMachine(name), { code: 'invalid-machine' }, JSON.stringify(name));
    }
  });

  it('does not pass invisible characters on to the terminal', () => {
    assert.throws(() => parseMachine('a\u202eb'), /"a\\u\{202e\}b"/);
  });
});

describe('sameMachine', () => {
  it('compares without case, and a host name with the first label', () => {
    assert.ok(sameMachine('PC-1', 'pc-1'));
    assert.ok(sameMachine('PC-1', 'pc-1.corp.example'));
    assert.ok(sameMachine('PC-1.CORP.example', 'pc-1'));
    assert.ok(sameMachine('PC-1.CORP.example', 'pc-1.corp.EXAMPLE'));
  });

  it('keeps machines of two domains, and names that only begin alike, apart', () => {
    assert.ok(!sameMachine('pc-1.corp.example', 'pc-1.other.example'));
    assert.ok(!sameMachine('pc-1', 'pc-10.corp.example'));
    assert.ok(!sameMachine('pc-1', 'pc-2'));
  });

  it('is symmetric, and same machines have the same host', () => {
    const label = fc.constantFrom('a', 'A', 'b');
    const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
    fc.assert(
      fc.property(name, name, (a, b) => {
        assert.equal(sameMachine(a, b), sameMachine(b, a));
        if (sameMachine(a, b)) assert.equal(hostOf(a), hostOf(b));
      }),
    );
  });
});

describe('a machine index', () => {
  const label = fc.constantFrom('a', 'A', 'b');
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));

  it('finds what going through all of them with sameMachine finds first', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), name, (names, wanted) => {
        const index = machineIndex<string>();
        for (const each of names) index.add(each, each);
        assert.equal(
          index.find(wanted),
          names.find((each) => sameMachine(each, wanted)),
        );
      }),
    );
  });

  it('keeps of each machine the first, as sameMachine tells them apart', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 8 }), (names) => {
        const index = machineIndex<true>();
        const kept: string[] = [];
        for (const each of names) if (!kept.some((other) => sameMachine(other, each))) kept.push(each);
        assert.deepEqual(
          names.filter((each) => index.addNew(each, true)),
          kept,
        );
      }),
    );
  });
});
