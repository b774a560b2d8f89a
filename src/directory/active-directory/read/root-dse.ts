import { type Entry, EqualityFilter, PresenceFilter } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import type { Search } from './search.ts';
import { textOf } from './users.ts';

/** What a domain controller says about itself ([MS-ADTS] 3.1.1.3.2). */
export interface RootDse {
  defaultNamingContext: string;
  configurationNamingContext: string;
  rootDomainNamingContext: string | null;
  /** The server's own full name, whatever name it was reached by. */
  dnsHostName: string | null;
  /** Distinguished name of its server object. */
  serverName: string | null;
  isSynchronized: boolean;
  isGlobalCatalogReady: boolean;
  /** A read-only domain controller: it refers every write to another. */
  isReadOnly: boolean;
}

/** LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID: what only a read-only domain controller has ([MS-ADTS] 3.1.1.3.4.3). */
const PARTIAL_SECRETS = '1.2.840.113556.1.4.1920';

const NAMES = [
  'defaultNamingContext',
  'configurationNamingContext',
  'rootDomainNamingContext',
  'dnsHostName',
  'serverName',
  'isSynchronized',
  'isGlobalCatalogReady',
  'supportedCapabilities',
];

const NOTHING: Entry = { dn: '' };

/** @throws MsmqCertError directory-error when the server is no domain controller */
export async function readRootDse(search: Search, address: LdapAddress): Promise<RootDse> {
  const [entry = NOTHING] = await search('', { scope: 'base', attributes: NAMES });
  const text = (name: string) => textOf(entry, name);
  const defaultNamingContext = text('defaultNamingContext');
  const configurationNamingContext = text('configurationNamingContext');
  if (defaultNamingContext === null || configurationNamingContext === null) {
    throw new MsmqCertError('directory-error', `${hostAndPort(address)} is an LDAP server but no domain controller`, {
      hint: 'name a domain controller of Active Directory',
    });
  }
  return {
    defaultNamingContext,
    configurationNamingContext,
    rootDomainNamingContext: text('rootDomainNamingContext'),
    dnsHostName: text('dnsHostName'),
    serverName: text('serverName'),
    isSynchronized: text('isSynchronized') === 'TRUE',
    isGlobalCatalogReady: text('isGlobalCatalogReady') === 'TRUE',
    isReadOnly: [entry['supportedCapabilities']].flat().includes(PARTIAL_SECRETS),
  };
}

/** The nETBIOSName of the domain's crossRef object, null when it cannot be read. */
export async function netbiosName(search: Search, rootDse: RootDse): Promise<string | null> {
  const [crossRef] = await search(`CN=Partitions,${rootDse.configurationNamingContext}`, {
    scope: 'one',
    filter: new EqualityFilter({ attribute: 'nCName', value: rootDse.defaultNamingContext }),
    attributes: ['nETBIOSName'],
  });
  return crossRef === undefined ? null : textOf(crossRef, 'nETBIOSName');
}

/** How many domains the forest has; 0 when they cannot be read. Only the crossRef of a domain has a NetBIOS name. */
export async function domainsInForest(search: Search, rootDse: RootDse): Promise<number> {
  const domains = await search(`CN=Partitions,${rootDse.configurationNamingContext}`, {
    scope: 'one',
    filter: new PresenceFilter({ attribute: 'nETBIOSName' }),
    attributes: ['nETBIOSName'],
  });
  return domains.length;
}

const NTDS_SETTINGS = /^CN=NTDS Settings,/i;

/** The DNS name of the PDC emulator, which always takes writes; null when it cannot be told. */
export async function writableServer(search: Search, rootDse: RootDse): Promise<string | null> {
  const [domain] = await search(rootDse.defaultNamingContext, { scope: 'base', attributes: ['fSMORoleOwner'] });
  const owner = domain === undefined ? null : textOf(domain, 'fSMORoleOwner');
  if (owner === null || !NTDS_SETTINGS.test(owner)) return null;
  const [server] = await search(owner.replace(NTDS_SETTINGS, ''), { scope: 'base', attributes: ['dNSHostName'] });
  return server === undefined ? null : textOf(server, 'dNSHostName');
}

/** The clock of the server; null when it does not show it. */
export async function readServerTime(search: Search): Promise<Date | null> {
  const [entry = NOTHING] = await search('', { scope: 'base', attributes: ['currentTime'] });
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(textOf(entry, 'currentTime') ?? '') ?? [];
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? null : time;
}
