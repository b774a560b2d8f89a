import { isIP } from 'node:net';
import { MsmqCertError } from '../../../errors.ts';
import type { Dns } from './dns-query.ts';

/** A server as an SRV record names it. The port is the one for LDAP with StartTLS, or that of the global catalog. */
export interface SrvTarget {
  host: string;
  port: number;
}

/** The domain controllers of a domain, each list in the order in which to try them. */
export interface DomainControllers {
  /** The holder of the PDC emulator role, null when DNS does not name one. */
  pdcEmulator: SrvTarget | null;
  /** Those of the site, none when no site was named. */
  near: SrvTarget[];
  all: SrvTarget[];
}

const DNS_NAME = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?(\.[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?)*$/;

/**
 * Reads `ad://corp.example`: the DNS name of a domain.
 * @throws MsmqCertError invalid-config when it is anything else
 */
export function parseDomainUrl(text: string): string {
  // what stands before an @ is a password more often than not, so such a text is never repeated
  const shown = text.includes('@') ? 'the directory address' : `"${text}"`;
  const name = /^ad:\/\/([^/]*?)\.?\/?$/i.exec(text)?.[1]?.toLowerCase() ?? '';
  if (DNS_NAME.test(name) && isIP(name) === 0) return name;
  throw new MsmqCertError('invalid-config', `${shown} does not name a domain`, {
    hint: 'write it as ad://corp.example, with the DNS name of the domain; name a single server as ldaps://dc1.corp.example',
  });
}

/**
 * Finds the domain controllers of a domain by DNS (specification §7), in the order of RFC 2782.
 * @throws MsmqCertError directory-unreachable, invalid-config when there are none
 */
export async function discoverDomain(dns: Dns, domain: string, site: string | null): Promise<DomainControllers> {
  const find = (service: string) => lookUp(dns, `_ldap._tcp.${service}._msdcs.${domain}`, [domain]);
  const [pdcs, near, all] = await Promise.all([
    find('pdc'),
    site === null ? [] : find(`${siteLabel(site)}._sites.dc`),
    find('dc'),
  ]);
  if (all.length === 0 && pdcs.length === 0) throw noDomainControllers(domain);
  if (site !== null && near.length === 0) throw noSuchSite(domain, site);
  return { pdcEmulator: pdcs[0] ?? null, near, all };
}

/**
 * Finds the global catalogs of a forest by DNS, on the port of the catalog with StartTLS; the one with TLS is 3269.
 * @param forest the DNS name of the forest's root domain
 * @param trees the DNS names of all trees of the forest, when it has more than one
 * @throws MsmqCertError directory-unreachable; tls-untrusted when DNS names a server outside the forest
 */
export async function discoverGlobalCatalogs(
  dns: Dns,
  forest: string,
  trees: readonly string[] = [forest],
): Promise<SrvTarget[]> {
  return await lookUp(dns, `_ldap._tcp.gc._msdcs.${forest}`, trees);
}

async function lookUp(dns: Dns, name: string, domains: readonly string[]): Promise<SrvTarget[]> {
  const answers = await dns(name, 'SRV');
  const records = answers.flatMap((answer) => (answer.type === 'SRV' ? [answer.data] : []));
  const targets = orderByPriority(records).map(({ target, port }) => ({ host: bare(target), port }));
  // a single "." says that there is no such service (RFC 2782)
  return targets.filter(({ host }) => host !== '').map((target) => requireInside(target, domains));
}

/**
 * DNS is not authenticated, so the certificate of the server alone proves nothing: whoever forges an answer can have a good
 * certificate for a name of his own. Only names within the domain that the caller named get to see a password.
 */
function requireInside(target: SrvTarget, domains: readonly string[]): SrvTarget {
  if (!HOST_NAME.test(target.host)) throw notAHost(target.host);
  if (domains.some((domain) => target.host.endsWith(`.${domain.toLowerCase()}`))) return target;
  throw new MsmqCertError(
    'tls-untrusted',
    `DNS names ${target.host} as a server of ${domains.join(', ')}, but it lies outside`,
    { hint: `if that is right, name the server itself with --directory ldaps://${target.host}` },
  );
}

/** Dots and whatever else a name can be made of, but nothing that has a meaning in an address. */
const HOST_NAME = /^[^\p{C}\s\\/:@%?#]{1,253}$/u;

function notAHost(name: string): MsmqCertError {
  return new MsmqCertError('tls-untrusted', `DNS names ${JSON.stringify(name)} as a server, which is no host name`, {
    hint: 'look at the SRV records of the domain, or name a server itself with --directory ldaps://',
  });
}

interface SrvRecord {
  target: string;
  port: number;
  priority?: number | undefined;
  weight?: number | undefined;
}

/** Lowest priority first; within a priority at random, as often first as its weight says (RFC 2782). */
export function orderByPriority(records: readonly SrvRecord[], random: () => number = Math.random): SrvRecord[] {
  const priorities = [...new Set(records.map(priorityOf))].sort((left, right) => left - right);
  return priorities.flatMap((priority) =>
    orderByWeight(
      records.filter((record) => priorityOf(record) === priority),
      random,
    ),
  );
}

function orderByWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  // those of weight 0 stand first, so that they are drawn only by the lowest number
  const urn = records.toSorted((left, right) => Number(weightOf(left) > 0) - Number(weightOf(right) > 0));
  const drawn: SrvRecord[] = [];
  while (urn.length > 0) {
    const total = urn.reduce((sum, record) => sum + weightOf(record), 0);
    let left = Math.floor(random() * (total + 1));
    const index = urn.findIndex((record) => {
      left -= weightOf(record);
      return left <= 0;
    });
    drawn.push(...urn.splice(index, 1));
  }
  return drawn;
}

function priorityOf({ priority = 0 }: SrvRecord): number {
  return priority;
}

function weightOf({ weight = 0 }: SrvRecord): number {
  return weight;
}

function bare(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

function siteLabel(site: string): string {
  if (/^[\p{L}\d_-]{1,63}$/u.test(site)) return site;
  throw new MsmqCertError('invalid-config', `"${site}" is not the name of a site`, {
    hint: 'give the name that the site has in Active Directory Sites and Services',
  });
}

function noDomainControllers(domain: string): MsmqCertError {
  return new MsmqCertError('directory-unreachable', `DNS knows no domain controllers of ${domain}`, {
    hint: 'check the name of the domain, and that this machine asks the DNS of the domain; --dns-server names another',
  });
}

function noSuchSite(domain: string, site: string): MsmqCertError {
  return new MsmqCertError('invalid-config', `DNS knows no domain controllers in the site "${site}" of ${domain}`, {
    hint: 'check the name of the site, or leave --site away',
  });
}
