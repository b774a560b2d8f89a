import { EqualityFilter } from 'ldapts';
import { dnKey } from '../../names.ts';
import { valuesOf } from '../read/pages.ts';
import type { RootDse } from '../read/root-dse.ts';
import type { Search } from '../read/search.ts';
import { textOf } from '../read/users.ts';

/** A server that holds a copy of the users of one domain. */
export interface DomainController {
  /** Full DNS name; null when the configuration does not give one. */
  host: string | null;
  /** The name of its server object, for messages. */
  name: string;
  /** `domain-controller`: of this domain, writable or not; `global-catalog`: of another domain, with a copy of the two attributes. */
  role: 'domain-controller' | 'global-catalog';
}

const NTDS_SETTINGS = /^CN=NTDS Settings,/i;
const FULL_COPIES = ['hasMasterNCs', 'msDS-hasMasterNCs', 'msDS-hasFullReplicaNCs'];
/** NTDSDSA_OPT_IS_GC ([MS-ADTS] 6.1.1.2.2.1.2.1.1). */
const IS_GLOBAL_CATALOG = 1;

/**
 * Every domain controller of the domain and every global catalog of the forest, from the configuration that all of them
 * share: nTDSDSA objects and the server objects above them.
 */
export async function listDomainControllers(search: Search, rootDse: RootDse): Promise<DomainController[]> {
  const sites = `CN=Sites,${rootDse.configurationNamingContext}`;
  const [settings, servers] = await Promise.all([
    search(sites, { ...ofClass('nTDSDSA'), attributes: ['options', ...FULL_COPIES] }),
    search(sites, { ...ofClass('server'), attributes: ['dNSHostName', 'cn'] }),
  ]);
  const serverAt = new Map(servers.map((server) => [dnKey(server.dn), server]));
  const domain = dnKey(rootDse.defaultNamingContext);
  return settings.flatMap((each): DomainController[] => {
    const holdsDomain = FULL_COPIES.flatMap((name) => valuesOf(each, name)).some((dn) => dnKey(String(dn)) === domain);
    const isCatalog = (Number(textOf(each, 'options') ?? 0) & IS_GLOBAL_CATALOG) !== 0;
    if (!holdsDomain && !isCatalog) return [];
    const above = each.dn.replace(NTDS_SETTINGS, '');
    const server = serverAt.get(dnKey(above));
    return [
      {
        host: server === undefined ? null : (textOf(server, 'dNSHostName')?.toLowerCase() ?? null),
        name: (server === undefined ? null : textOf(server, 'cn')) ?? above,
        role: holdsDomain ? 'domain-controller' : 'global-catalog',
      },
    ];
  });
}

function ofClass(value: string) {
  return { scope: 'sub', filter: new EqualityFilter({ attribute: 'objectClass', value }), paged: true } as const;
}
