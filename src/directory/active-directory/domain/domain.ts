import { MsmqCertError } from '../../../errors.ts';
import type { Directory, Listing } from '../../directory.ts';
import type { Replicated } from '../../replicas.ts';
import type { AccessOptions, ActiveDirectory } from '../active-directory.ts';
import { writableServer } from '../read/root-dse.ts';
import { connectTarget, type HostLookup } from './connect-server.ts';
import { type DomainControllers, discoverDomain, type SrvTarget } from './discovery.ts';
import type { Dns } from './dns-query.ts';
import { directoryOver } from './domain-directory.ts';
import { firstThatAnswers, GRACE_MS, makeRoster, type Roster, type Server, serverAt } from './server-roster.ts';

export interface DomainOptions extends AccessOptions {
  /** The DNS name of the domain, as {@link parseDomainUrl} gives it. */
  dnsDomain: string;
  /** Name of the site whose domain controllers are near, null when nobody named one. */
  site: string | null;
  /** Answers for the SRV records. */
  dns: Dns;
  lookup: HostLookup;
  /**
   * `pdc-emulator`: read from and write to the holder of that role, which is the one place that concurrent writers meet
   * (specification §7). `near`: read from a domain controller of the site, or from any; swaps are refused.
   */
  from: 'pdc-emulator' | 'near';
  /** Told, in one sentence for people, which server is used and when another takes over. */
  onNotice(text: string): void;
  /** See {@link GRACE_MS}. */
  graceMs?: readonly number[];
  /** How long a server is waited for that a write of unknown outcome went to, in milliseconds. */
  patienceMs?: number;
}

/**
 * Finds the domain controllers of a domain by DNS and opens the domain as one directory; see {@link directoryOver} for what
 * happens when one fails.
 * @throws MsmqCertError directory-unreachable, directory-timeout, tls-untrusted, bind-refused, credentials-missing,
 * invalid-config, directory-error, referral when all that answer are read-only
 */
export async function connectDomain(options: DomainOptions): Promise<Directory & Listing & Replicated> {
  const found = await discoverDomain(options.dns, options.dnsDomain, options.site);
  const roster = rosterOf(orderFor(options.from, found), options);
  try {
    roster.use(await firstThatAnswers(roster.servers, admitFor(options.from)));
    if (options.from === 'pdc-emulator') await usePdcEmulator(roster, options);
    else options.onNotice(`reading from ${roster.inUse().host} of ${options.dnsDomain}`);
    return directoryOver(roster, options.from === 'near' ? 'read' : 'write', options.patienceMs);
  } catch (error) {
    await roster.close();
    throw error;
  }
}

function orderFor(from: DomainOptions['from'], { pdcEmulator, near, all }: DomainControllers): SrvTarget[] {
  const preferred = from === 'near' ? near : pdcEmulator === null ? [] : [pdcEmulator];
  const seen = new Set<string>();
  return [...preferred, ...near, ...all].filter(({ host }) => !seen.has(host) && seen.add(host));
}

function rosterOf(targets: readonly SrvTarget[], options: DomainOptions): Roster {
  const { dnsDomain, lookup, from, onNotice } = options;
  return makeRoster({
    servers: targets.map((target) => serverAt(target.host, () => connectTarget(target, lookup, options))),
    admit: admitFor(from),
    onMove: (lost, next) =>
      onNotice(`${lost.host} does not answer any more: going on with ${next.host} of ${dnsDomain}`),
    graceMs: options.graceMs ?? GRACE_MS,
  });
}

function admitFor(from: DomainOptions['from']): (directory: ActiveDirectory) => void {
  return ({ server, rootDse }) => {
    if (from === 'near') return;
    if (rootDse.isReadOnly) {
      throw new MsmqCertError('referral', `${server} is a read-only domain controller`, {
        hint: 'name the domain with ad://, so that a writable one is found',
      });
    }
    if (!rootDse.isSynchronized) {
      throw new MsmqCertError('directory-busy', `${server} has not finished its first replication`, {
        hint: 'wait until it has, or mend the replication',
      });
    }
  };
}

/** DNS may name yesterday's holder of the role: the directory itself knows who has it. */
async function usePdcEmulator(roster: Roster, { dnsDomain, from, onNotice }: DomainOptions): Promise<void> {
  const first = roster.inUse();
  const host = await pdcEmulatorOf(first);
  const holder = host === null ? undefined : roster.named(host);
  const tried = roster.servers.slice(0, roster.servers.indexOf(first));
  if (holder !== undefined && holder !== first && !tried.includes(holder)) {
    roster.use(await firstThatAnswers([holder, first], admitFor(from)));
  }
  const inUse = roster.inUse();
  const role = `the PDC emulator of ${dnsDomain}`;
  if (host === inUse.host) onNotice(`using ${inUse.host}, ${role}`);
  else onNotice(`using ${inUse.host}, as ${role}${host === null ? '' : `, ${host},`} does not answer`);
}

async function pdcEmulatorOf(server: Server): Promise<string | null> {
  const { search, rootDse } = await server.open();
  return (await writableServer(search, rootDse))?.toLowerCase() ?? null;
}
