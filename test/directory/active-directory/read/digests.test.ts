import assert from 'node:assert/strict';
import { Client, type Entry } from 'ldapts';
import type { Connection, Link } from '../../../../src/directory/active-directory/connect/connection.ts';
import { digestFinder } from '../../../../src/directory/active-directory/read/digests.ts';
import { MsmqCertError } from '../../../../src/errors.ts';

const base = 'DC=corp,DC=example';
const rootDse = {
  defaultNamingContext: base,
  configurationNamingContext: `CN=Configuration,${base}`,
  rootDomainNamingContext: base,
  dnsHostName: 'dc1.corp.example',
  serverName: null,
  isSynchronized: true,
  isGlobalCatalogReady: false,
  isReadOnly: false,
};

/** A client whose server answers each search with these entries. */
function clientFinding(entries: Entry[]): Client {
  const search = async () => ({ searchEntries: entries, searchReferences: [] });
  return Object.assign(new Client({ url: 'ldap://never.connected' }), { search });
}

describe('the lookup by digest', () => {
  it('tries again after a failure that passed', async () => {
    const bob = { dn: `CN=bob,${base}`, sAMAccountName: 'bob', objectClass: ['user'] };
    const client = clientFinding([bob]);
    let failures = 1;
    const link: Link = {
      connection: async () => {
        if (failures-- > 0) throw new MsmqCertError('directory-busy', 'the server restarts');
        return { client, socket: null as never } satisfies Connection;
      },
      close: async () => {},
    };
    const address = { host: 'dc1.corp.example', port: 636, protection: 'tls', dial: null } as const;
    const context = { link, address, rootDse, timeoutMs: 1000, connect: () => assert.fail('no global catalog') };
    const finder = digestFinder(context, { base, netbios: 'CORP', dns: 'corp.example' });
    await assert.rejects(finder.findByDigest([Buffer.alloc(16)]), { code: 'directory-busy' });
    const { users } = await finder.findByDigest([Buffer.alloc(16)]);
    assert.deepEqual(
      users.map(({ account }) => account),
      ['CORP\\bob'],
    );
    await finder.close();
  });
});
