import assert from 'node:assert/strict';
import type { User } from '../../../src/directory/directory.ts';
import type { Replica, ReplicaReading } from '../../../src/directory/replicas.ts';
import { MsmqCertError } from '../../../src/errors.ts';
import { replicationError, waitForReplication } from '../../../src/inspect/replication/replication.ts';

const alice: User = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: null, protected: false };
const bob: User = { ...alice, account: 'CORP\\bob', dn: 'CN=bob' };

/** A server that gives these answers one after the other, and then the last one again and again. */
function replica(server: string, answers: (ReplicaReading | null | Error)[]): Replica & { asked: number } {
  return {
    server,
    asked: 0,
    async read() {
      const answer = answers[Math.min(this.asked++, answers.length - 1)] ?? null;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    close: async () => {},
  };
}

const empty: ReplicaReading = { pair: { blob: null, digests: [] }, stamps: null };
const other: ReplicaReading = { pair: { blob: Buffer.from('blob'), digests: [] }, stamps: null };

describe('waiting for replication', () => {
  it('asks again until all servers agree, and then no more', async () => {
    const late = replica('dc2', [other, null, empty]);
    const [outcome] = await waitForReplication([replica('dc1', [empty]), late], [alice], { timeoutMs: 60_000 });
    assert.equal(outcome?.converged, true);
    assert.equal(late.asked, 3);
    assert.equal(outcome && replicationError(outcome), null);
  });

  it('asks once when there is no time to wait', async () => {
    const late = replica('dc2', [other, empty]);
    const [outcome] = await waitForReplication([replica('dc1', [empty]), late], [alice], { timeoutMs: 0 });
    assert.equal(outcome?.converged, false);
    assert.equal(late.asked, 1);
    assert.match(outcome ? (replicationError(outcome)?.message ?? '') : '', /CORP\\alice .*: dc2 differs$/);
  });

  it('takes a server that cannot be asked for one that does not agree, until it answers', async () => {
    const error = new MsmqCertError('directory-unreachable', 'dc2 is down');
    const servers = [replica('dc1', [empty]), replica('dc2', [error, empty])];
    const seen: number[] = [];
    const wait = { timeoutMs: 60_000, onRound: (converged: number) => void seen.push(converged) };
    const [outcome] = await waitForReplication(servers, [alice], wait);
    assert.equal(outcome?.converged, true);
    assert.deepEqual(seen, [0, 1]);
  });

  it('ends early when it is told to', async () => {
    const stop = new AbortController();
    const servers = [replica('dc1', [empty]), replica('dc2', [other])];
    const wait = { timeoutMs: 60_000, signal: stop.signal, onRound: () => stop.abort() };
    const outcome = await waitForReplication(servers, [alice, bob], wait);
    assert.deepEqual(
      outcome.map(({ user, converged }) => [user.account, converged]),
      [
        ['CORP\\alice', false],
        ['CORP\\bob', false],
      ],
    );
  });
});
