import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { baseDn, dnsDomain, domain, LabError, passwordFile, realm, type Server } from './lab.ts';
import { groupRuns } from './registry.ts';
import { retryUntil, run, systemPath } from './run.ts';

/** One domain controller of a lab: where it lives and how commands get there. */
export interface DomainControllerSite {
  server: Server;
  /** All of its files. */
  dir: string;
  labDir: string;
  /** Words in front of every command that runs where the domain controller runs, none on loopback. */
  prefix: string[];
  /** Samba's `interfaces`. */
  interfaces: string;
  /** Whether it has a partner to replicate with. */
  replicates: boolean;
  /** Whether it refuses Kerberos inside TLS without a channel binding: the default of a Samba that knows about it. */
  demandsChannelBinding: boolean;
}

/** Makes the folders and smb.conf that provisioning, joining and running all share. */
export async function prepare(site: DomainControllerSite): Promise<void> {
  const folders = ['', 'private', 'state', 'state/sysvol', 'cache', 'lock', 'run', 'run/ncalrpc', 'bind-dns'];
  for (const folder of folders) await mkdir(join(site.dir, folder), { recursive: true, mode: 0o700 });
  await writeFile(join(site.dir, 'smb.conf'), smbConf(site));
}

function smbConf({ server, dir, interfaces, replicates, demandsChannelBinding }: DomainControllerSite): string {
  const services = ['ldap', 'cldap', 'kdc', 'rpc', 'dns', ...(replicates ? ['drepl', 'kcc', 'dnsupdate'] : [])];
  const strongAuth = demandsChannelBinding ? 'yes' : 'allow_sasl_over_tls';
  return `[global]
  netbios name = ${server.name.toUpperCase()}
  realm = ${realm}
  workgroup = ${domain}
  server role = active directory domain controller
  server services = ${services.join(', ')}
  interfaces = ${interfaces}
  bind interfaces only = yes
  private dir = ${dir}/private
  state directory = ${dir}/state
  cache directory = ${dir}/cache
  lock directory = ${dir}/lock
  pid directory = ${dir}/run
  ncalrpc dir = ${dir}/run/ncalrpc
  winbindd socket directory = ${dir}/run/winbindd
  ntp signd socket directory = ${dir}/run/ntp_signd
  binddns dir = ${dir}/bind-dns
  vfs objects = dfs_samba4 acl_xattr xattr_tdb
  posix:eadb = ${dir}/private/eadb.tdb
  ldb:nosync = true
  ldap server require strong auth = ${strongAuth}
  tls keyfile = ${dir}/tls.key
  tls certfile = ${dir}/tls.pem
  tls cafile = ${dir}/../ca.pem
  tls verify peer = ca_and_name
  dns update command = /usr/sbin/samba_dnsupdate --use-samba-tool
  dreplsrv:notify_interval = 1
  dreplsrv:periodic_interval = 5
  log level = 1

[sysvol]
  path = ${dir}/state/sysvol
  read only = no

[netlogon]
  path = ${dir}/state/sysvol/${dnsDomain}/scripts
  read only = no
`;
}

/** Makes the domain. Samba gives Administrator a random password that nobody sees; the seed sets the real one. */
export async function provision(site: DomainControllerSite, signal: AbortSignal): Promise<void> {
  await run(
    [
      ...['samba-tool', 'domain', 'provision', `--configfile=${site.dir}/smb.conf`],
      ...[`--realm=${realm}`, `--domain=${domain}`, '--server-role=dc', '--dns-backend=SAMBA_INTERNAL'],
      ...[`--host-name=${site.server.name}`, `--host-ip=${site.server.ip}`],
    ],
    { prefix: site.prefix, signal },
  );
}

/** Starts Samba. It ends by itself when this process does, even by kill -9: its input closes then. */
export function start(site: DomainControllerSite): ChildProcess {
  const log = openSync(join(site.dir, 'samba.log'), 'a', 0o600);
  // As one process, a domain controller whose partner is gone answers nobody until it has given up on it.
  const model = site.replicates ? 'standard' : 'single';
  const [program = '', ...args] = [
    ...site.prefix,
    ...['samba', `--configfile=${site.dir}/smb.conf`, '-i', '-M', model, '--debug-stdout'],
  ];
  const samba = spawn(program, args, {
    detached: true,
    stdio: ['pipe', log, log],
    env: { ...process.env, PATH: systemPath, KRB5_CONFIG: join(site.labDir, 'krb5.conf') },
  });
  closeSync(log);
  samba.on('error', () => {});
  samba.stdin?.on('error', () => {});
  return samba;
}

/** Waits until LDAPS answers a real search with a certificate that verifies, 30 seconds at most. */
export async function waitUntilServing(
  site: DomainControllerSite,
  samba: ChildProcess,
  signal: AbortSignal,
): Promise<void> {
  try {
    await retryUntil(30, signal, async () => {
      if (samba.exitCode === null) return await searchByLdaps(site, signal);
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new LabError(`${site.server.host} does not answer: ${await logTail(site)}`, { cause: error });
  }
  if (samba.exitCode !== null) throw new LabError(`${site.server.host} ended at once: ${await logTail(site)}`);
}

async function searchByLdaps({ server, labDir }: DomainControllerSite, signal: AbortSignal): Promise<void> {
  const logon = ['-D', `${domain}\\administrator`, '-y', passwordFile(labDir, 'administrator')];
  await run(['ldapsearch', '-x', '-H', server.url, ...logon, '-b', baseDn, '-s', 'base', '1.1'], {
    signal,
    env: { LDAPTLS_REQCERT: 'demand', LDAPTLS_CACERT: join(labDir, 'ca.pem') },
  });
}

async function logTail(site: DomainControllerSite): Promise<string> {
  const log = await readFile(join(site.dir, 'samba.log'), 'utf8');
  return log.trim().split('\n').slice(-8).join('\n');
}

/**
 * Ends Samba with its children and waits until all of them have ended, as each of them holds ports that a successor needs;
 * after five seconds with force.
 */
export async function stop(samba: ChildProcess): Promise<void> {
  if (samba.pid === undefined || samba.exitCode !== null || samba.signalCode !== null) return;
  const group = samba.pid;
  const ended = once(samba, 'exit');
  process.kill(-group, 'SIGTERM');
  const force = setTimeout(() => process.kill(-group, 'SIGKILL'), 5000);
  await ended;
  while (groupRuns(group)) await wait(20);
  clearTimeout(force);
}
