import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { encode } from '../../../src/blob/codec.ts';
import { newEntry } from '../../../src/blob/edit.ts';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../../src/certificate/subject.ts';
import type { Listed, Listing, Surrounding } from '../../../src/directory/directory.ts';
import { audit } from '../../../src/inspect/audit/audit.ts';
import { noComputers } from '../../../src/judge/recognise.ts';
import { anyIssued } from '../../certificate/support.ts';

const TURNS = 20;

describe('an audit of a server', () => {
  it('judges users while digests are read, once all computers are known, and still sees which are shared', async () => {
    const { certificate } = await anyIssued();
    const entry = newEntry(certificate);
    const seen: string[] = [];
    const computersCome = Promise.withResolvers<void>();
    const digestsCome = Promise.withResolvers<void>();

    async function* surroundings(): AsyncGenerator<Surrounding> {
      await computersCome.promise;
      yield { kind: 'computers-end' };
      await digestsCome.promise;
      for (const _ of ['alice', 'bob']) yield { kind: 'digests', digests: [entry.digest] };
    }
    async function* users(): AsyncGenerator<Listed> {
      const user = { account: 'CORP\\alice', dn: 'CN=alice', sid: null, guid: null, protected: false };
      const pair = { blob: encode([entry]), digests: [entry.digest] };
      yield { kind: 'read', user, objectKind: 'user', pair, legacy: false };
    }
    const directory: Pick<Listing, 'survey' | 'users'> = {
      survey: async () => ({ reach: { kind: 'forest' }, surroundings: surroundings() }),
      users,
    };
    const criteria = {
      now: new Date(),
      expiringWithinMs: 0,
      maxCertificates: 1200,
      subjects: [parseSubjectTemplate(DEFAULT_SUBJECT)],
      stated: { get: (digest: string) => void seen.push(digest) },
      computers: noComputers,
    };
    const scope = { kind: 'all', filter: null, include: new Set(['user'] as const) } as const;
    const asked = { scope, shard: null, criteria, machineInactiveMs: 0 };

    const audited = audit(directory as Listing, asked);
    for (let turns = 0; turns < TURNS; turns++) await turn();
    assert.deepEqual(seen, [], 'before the computers are known');
    computersCome.resolve();
    for (let turns = 0; turns < TURNS; turns++) await turn();
    assert.deepEqual(seen, [entry.digest.toString('hex')], 'while digests are read');
    digestsCome.resolve();

    const [only, ...more] = await Array.fromAsync((await audited).objects);
    assert.ok(only?.kind === 'judged' && only.state.kind === 'decoded');
    assert.deepEqual(only.state.entries[0]?.findings, ['digest-shared']);
    assert.deepEqual(more, []);
    assert.equal(seen.length, 1);
  });
});
