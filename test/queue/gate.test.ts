import assert from 'node:assert/strict';
import type { Directory, User } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { type Gate, gated, type SharedRate } from '../../src/queue/rate.ts';

const user: User = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: 'a', protected: false };
const nothing = { blob: null, digests: [] };
const noChange = { blob: null, digestsToAdd: [], digestsToDelete: [] };

describe('The gate before a write', () => {
  it('is passed by whoever has the job and its turn, in this order', async () => {
    const { write, done } = writer();
    assert.deepEqual(await write({ rate: rateOf(done, []) }), { kind: 'swapped' });
    assert.deepEqual(done, ['claim', 'turn', 'write']);
  });

  it('refuses, so that nobody takes the write for one that may have been, when the job is gone', async () => {
    const { write, done } = writer();
    const outcome = await write({ assertClaim: () => Promise.reject(new MsmqCertError('claim-lost', 'gone')) });
    assert.deepEqual([codeOf(outcome), done], ['claim-lost', []]);
  });

  it('says that the job is gone when that is found out during the wait for the turn', async () => {
    const { write, done } = writer();
    const claimed = new AbortController();
    const rate: SharedRate = {
      ...rateOf(done, []),
      async turn(stop) {
        claimed.abort(new Error('no longer active'));
        stop.throwIfAborted();
        return 0;
      },
    };
    assert.equal(codeOf(await write({ rate, claimed: claimed.signal })), 'claim-lost');
    assert.deepEqual(done, ['claim']);
  });

  it('takes another turn when it stood still since it got one', async () => {
    const { write, done } = writer();
    await write({ rate: rateOf(done, [-1000]) });
    assert.deepEqual(done, ['claim', 'turn', 'turn', 'write']);
  });

  it('makes everybody wait when the directory is busy', async () => {
    const done: string[] = [];
    const swap = () => Promise.reject(new MsmqCertError('directory-busy', 'busy'));
    await assert.rejects(writer(done, swap).write({ rate: rateOf(done, []) }), { code: 'directory-busy' });
    assert.deepEqual(done, ['claim', 'turn', 'slow down']);
  });

  function writer(done: string[] = [], swap?: Directory['swap']) {
    const directory: Directory = {
      server: 'dc1',
      findUser: async () => user,
      read: async () => nothing,
      swap:
        swap ??
        (async () => {
          done.push('write');
          return { kind: 'swapped' };
        }),
      close: async () => {},
    };
    const gate: Gate = {
      rate: null,
      assertClaim: async () => void done.push('claim'),
      claimed: new AbortController().signal,
    };
    const write = (parts: Partial<Gate>) => gated(directory, { ...gate, ...parts }).swap(user, nothing, noChange);
    return { write, done };
  }

  /** Each turn may be used for so long, the last ones for a minute. */
  function rateOf(done: string[], lasting: number[]): SharedRate {
    return {
      async turn() {
        done.push('turn');
        return performance.now() + (lasting.shift() ?? 60_000);
      },
      slowDown: async () => void done.push('slow down'),
      close: async () => {},
    };
  }
});

function codeOf(outcome: Awaited<ReturnType<Directory['swap']>>): string {
  return outcome.kind === 'refused' ? outcome.error.code : outcome.kind;
}
