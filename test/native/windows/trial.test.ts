import assert from 'node:assert/strict';
import type { WindowsCalls } from '../../../src/native/windows/calls.ts';
import { tryKeys } from '../../../src/native/windows/trial.ts';
import { memoryWindows } from './memory-windows.ts';

describe('the trial of a logon', () => {
  it('passes where keys can be used, and leaves nothing behind', () => {
    const { calls, containers } = memoryWindows();
    tryKeys(calls);
    assert.deepEqual([...containers], []);
  });

  const bad: [what: string, call: keyof WindowsCalls, status: number, message: RegExp][] = [
    ['a network logon', 'acquireContext', 0x80090010, /network logon.*0x80090010/],
    ['S4U, by its protected data', 'protect', 0x520, /S4U/],
    ['S4U, by what it cannot open', 'unprotect', 0x8009000b, /S4U/],
    ['a profile that is not loaded', 'profileType', 2, /profile of this account is not loaded/],
    ['a temporary profile, by its keys', 'acquireContext', 0x80090024, /temporary/],
    ['a key that asks on the screen', 'signHash', 0x80090022, /on the screen/],
  ];
  for (const [what, call, status, message] of bad) {
    it(`names the cause: ${what}`, () => {
      const { calls, containers, fail } = memoryWindows();
      fail(call, status);
      assert.throws(() => tryKeys(calls), { code: 'no-key-access', message, hint: /./ });
      assert.deepEqual([...containers], []);
    });
  }

  for (const [profile, message] of [
    [1, /temporary one/],
    [4, /mandatory one/],
  ] as const) {
    it(`refuses a profile that is thrown away: ${message.source}`, () => {
      const windows = memoryWindows();
      windows.profile = profile;
      assert.throws(() => tryKeys(windows.calls), { code: 'no-key-access', message });
    });
  }

  it('tells a full disk from a bad logon', () => {
    const { calls, fail } = memoryWindows();
    fail('generateKey', 0x70);
    assert.throws(() => tryKeys(calls), { code: 'disk-full' });
  });
});
