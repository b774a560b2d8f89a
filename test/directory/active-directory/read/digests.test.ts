import assert from 'node:assert/strict';
import { Client, type Entry } from 'ldapts';
import type { Connection, Link } from '../../../../src/directory/active-directory/connect/connection.ts';
import { catalogOf } from '../../../../src/directory/active-directory/read/catalog.ts';
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

const address = { host: 'dc1.corp.example', port: 636, protection: 'tls', dial: null } as const;
const domain = { base, netbios: 'CORP', dns: 'corp.example' };
const bob = { dn: `CN=bob,${base}`, sAMAccountName: 'bob', objectClass: ['user'] };

/** A link that fails so often first. */
function linkTo(client: Client, failures = 0): Link {
  let left = failures;
  return {
    connection: async () => {
      if (left-- > 0) throw new MsmqCertError('directory-busy', 'the server restarts');
      return { client, socket: null as never } satisfies Connection;
    },
    close: async () => {},
  };
}

describe('the lookup by digest', () => {
  it('tries again after a failure that passed', async () => {
    const link = linkTo(clientFinding([bob]), 1);
    const context = { link, address, rootDse, timeoutMs: 1000, connect: () => assert.fail('no global catalog') };
    const catalog = catalogOf(context);
    const findByDigest = digestFinder(context, catalog, domain);
    await assert.rejects(findByDigest([Buffer.alloc(16)]), { code: 'directory-busy' });
    const { users } = await findByDigest([Buffer.alloc(16)]);
    assert.deepEqual(
      users.map(({ account }) => account),
      ['CORP\\bob'],
    );
    await catalog.close();
  });

  it('asks a global catalog again that did not answer, but not each time', async () => {
    let time = 0;
    let tries = 0;
    const catalogLink = linkTo(clientFinding([bob]));
    const connect = async () => {
      if (++tries === 1) throw new MsmqCertError('directory-unreachable', 'nobody listens');
      return catalogLink;
    };
    // with no partition to be read, the forest may have other domains
    const link = linkTo(clientFinding([]));
    const context = { link, address, rootDse: { ...rootDse, isGlobalCatalogReady: true }, timeoutMs: 1000, connect };
    const catalog = catalogOf(context, () => time);
    const findByDigest = digestFinder(context, catalog, domain);
    const reached = async () => {
      const { reach, users } = await findByDigest([Buffer.alloc(16)]);
      return [reach.kind, users.length, tries];
    };
    assert.deepEqual(await reached(), ['domain', 0, 1]);
    time += 59_999;
    assert.deepEqual(await reached(), ['domain', 0, 1]);
    time += 1;
    assert.deepEqual(await reached(), ['forest', 1, 2]);
    time += 600_000;
    assert.deepEqual(await reached(), ['forest', 1, 2]);
    await catalog.close();
  });
});
