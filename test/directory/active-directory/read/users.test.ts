import assert from 'node:assert/strict';
import { BerReader, type Entry, FilterParser, SearchRequest } from 'ldapts';
import type { Search } from '../../../../src/directory/active-directory/read/search.ts';
import { findUser } from '../../../../src/directory/active-directory/read/users.ts';

const domain = { base: 'DC=corp,DC=example', netbios: 'CORP', dns: 'corp.example' };
const alice: Entry = {
  dn: 'CN=alice,DC=corp,DC=example',
  sAMAccountName: 'alice',
  objectSid: [],
  objectGUID: [],
  adminCount: '1',
};

/** Answers every search with these entries in turn and keeps the searches as they would go over the wire. */
function recorded(...answers: Entry[][]) {
  const searches: { base: string; scope: string | undefined; wire: Buffer }[] = [];
  const search: Search = async (base, { filter, ...options }) => {
    if (filter === undefined || typeof filter === 'string') throw new Error('a filter in text form needs escaping');
    const wire = new SearchRequest({ messageId: 1, baseDN: base, filter, ...options }).write();
    searches.push({ base, scope: options.scope, wire });
    return answers[searches.length - 1] ?? [];
  };
  return { search, searches };
}

describe('finding a user', () => {
  const hostile = [
    '*',
    'a*',
    '*)(objectClass=*',
    'al\\2aice',
    '(alice)',
    'x)(|(sAMAccountName=alice',
    'Ünïcødé',
    '&',
    '#!',
  ];
  for (const name of hostile) {
    it(`sends ${JSON.stringify(name)} as a value and nothing else`, async () => {
      const { search, searches } = recorded();
      await assert.rejects(findUser(search, domain, name === 'al\\2aice' ? `CORP\\${name}` : name), {
        code: 'user-not-found',
      });
      assert.deepEqual(
        searches.map(({ wire }) => equalityValues(wire)),
        [[name, 'user', 'mSMQMigratedUser']],
      );
    });
  }

  it('sends no name with a NUL: a server may take it for the end', async () => {
    for (const name of ['alice\0', 'alice\0)(x', 'CN=alice\0,DC=corp,DC=example', '\0']) {
      const { search, searches } = recorded([alice]);
      await assert.rejects(findUser(search, domain, name), { code: 'user-not-found' });
      assert.equal(searches.length, 0);
    }
  });

  it('names the rivals of an ambiguous name', async () => {
    const { search } = recorded([alice, { ...alice, dn: 'CN=alice,OU=other' }]);
    await assert.rejects(findUser(search, domain, 'alice'), {
      code: 'user-ambiguous',
      message: /CN=alice,DC=corp.*CN=alice,OU=other/,
    });
  });

  it('does not look for users of another domain and says which one this is', async () => {
    const { search, searches } = recorded([alice]);
    await assert.rejects(findUser(search, domain, 'EAST\\alice'), { code: 'user-not-found', hint: /CORP.*EAST/ });
    assert.equal(searches.length, 0);
  });

  it('takes a UPN that somebody has before one that everybody has', async () => {
    const { search, searches } = recorded([alice]);
    await findUser(search, domain, 'alice@corp.example');
    assert.equal(searches.length, 1);
  });

  it('does not turn a UPN of another suffix into an account name', async () => {
    const { search, searches } = recorded([], [alice]);
    await assert.rejects(findUser(search, domain, 'alice@east.example'), { code: 'user-not-found' });
    assert.equal(searches.length, 1);
  });

  it('reads a user that the directory tells little about', async () => {
    const { search } = recorded([alice]);
    const found = { account: 'CORP\\alice', dn: alice.dn, sid: null, guid: null, protected: true };
    assert.deepEqual(await findUser(search, domain, 'alice'), found);
  });

  it('calls a migrated user, who has no account name, by its name', async () => {
    const { search } = recorded([{ dn: 'CN=old,OU=MSMQ Users', name: 'old', sAMAccountName: [] }]);
    assert.equal((await findUser(search, domain, 'CN=old,OU=MSMQ Users')).account, 'CORP\\old');
  });
});

/** The values of all equality matches in a search request, in their order. */
function equalityValues(wire: Buffer): string[] {
  const reader = new BerReader(wire);
  reader.readSequence();
  reader.readInt();
  reader.readSequence();
  reader.readString();
  for (const _ of ['scope', 'aliases']) reader.readEnumeration();
  for (const _ of ['size', 'time']) reader.readInt();
  reader.readBoolean();
  return valuesOf(FilterParser.parse(reader));
}

function valuesOf(filter: object): string[] {
  if ('filters' in filter && Array.isArray(filter.filters)) return filter.filters.flatMap(valuesOf);
  return 'value' in filter && typeof filter.value === 'string'
    ? [filter.value.replace(/^msmqmigrateduser$/, 'mSMQMigratedUser')]
    : [];
}
