import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCa, makeServerCertificate } from './certificates.ts';
import { type DomainControllerSite, prepare, provision, start, waitUntilServing } from './domain-controller.ts';
import { baseDn, dnsDomain, domain, type Lab, type LabOptions, realm, serverAt } from './lab.ts';
import { buildNetwork, commandPrefix, requireFreePorts } from './network.ts';
import { joinDomain, replicateBothWays } from './replication.ts';
import { seed } from './seed.ts';
import { treePrefix } from './tree.ts';

/** A domain controller and its process; a stopped one keeps its ended process. */
export interface RunningDomainController {
  site: DomainControllerSite;
  samba: ChildProcess;
}

/** The one domain controller of a lab on a loopback address. */
function siteOfOne(ip: string, { dir: labDir, sambaTree }: LabOptions): DomainControllerSite {
  const server = serverAt('dc1', ip);
  return {
    server,
    dir: join(labDir, server.name),
    labDir,
    prefix: sambaTree === null ? [] : treePrefix(sambaTree, labDir),
    interfaces: `${ip}/8`,
    replicates: false,
    demandsChannelBinding: sambaTree !== null,
  };
}

/** The two domain controllers of a lab with a network of its own. */
export function sitesOfTwo(
  subnet: string,
  labDir: string,
): { first: DomainControllerSite; second: DomainControllerSite } {
  const site = (name: 'dc1' | 'dc2', ip: string): DomainControllerSite => ({
    server: serverAt(name, ip),
    dir: join(labDir, name),
    labDir,
    prefix: commandPrefix(subnet, name, labDir),
    interfaces: 'lo eth0',
    replicates: true,
    demandsChannelBinding: false,
  });
  return { first: site('dc1', `${subnet}.11`), second: site('dc2', `${subnet}.12`) };
}

/**
 * Builds the lab and starts its domain controllers. They are put into `running` as they start, so that the caller can stop
 * them whatever happens.
 */
export async function buildLab(
  name: string,
  options: LabOptions,
  running: RunningDomainController[],
  signal: AbortSignal,
): Promise<Lab> {
  const { first, second } = await makeSites(name, options, signal);
  const sites = second === null ? [first] : [first, second];
  await writeFile(join(options.dir, 'krb5.conf'), krb5Conf(sites));
  for (const site of sites) await prepare(site);

  const [caFile] = await Promise.all([makeCertificates(options.dir, sites, signal), provision(first, signal)]);
  const accounts = await seed(first, options.dir, options.users, signal);
  await serve(first, running, signal);
  if (second !== null) {
    await joinDomain(second, first, signal);
    await serve(second, running, signal);
    await replicateBothWays(first, second, signal);
  }

  const { name: _, ...addresses } = first.server;
  return {
    dir: options.dir,
    ...addresses,
    realm,
    domain,
    baseDn,
    caFile,
    dnsServers: sites.map((site) => site.server.ip),
    krb5Config: join(options.dir, 'krb5.conf'),
    pid: process.pid,
    dcs: sites.map((site) => site.server),
    accounts,
  };
}

/** Decides where the domain controllers will live, and makes sure that they can. */
async function makeSites(name: string, options: LabOptions, signal: AbortSignal) {
  if (options.dcs === 2) {
    await buildNetwork(name, options.dir, signal);
    return sitesOfTwo(name, options.dir);
  }
  await requireFreePorts(name);
  return { first: siteOfOne(name, options), second: null };
}

async function makeCertificates(dir: string, sites: DomainControllerSite[], signal: AbortSignal): Promise<string> {
  const caFile = await makeCa(dir, signal);
  for (const site of sites) await makeServerCertificate(dir, site.server, site.dir, signal);
  return caFile;
}

async function serve(
  site: DomainControllerSite,
  running: RunningDomainController[],
  signal: AbortSignal,
): Promise<void> {
  const samba = start(site);
  running.push({ site, samba });
  await waitUntilServing(site, samba, signal);
}

function krb5Conf(sites: DomainControllerSite[]): string {
  return `[libdefaults]
  default_realm = ${realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  rdns = false

[realms]
  ${realm} = {
${sites.map((site) => `    kdc = ${site.server.ip}`).join('\n')}
  }

[domain_realm]
  .${dnsDomain} = ${realm}
  ${dnsDomain} = ${realm}
`;
}
