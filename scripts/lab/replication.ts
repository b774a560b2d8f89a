import { join } from 'node:path';
import type { DomainControllerSite } from './domain-controller.ts';
import { baseDn, dnsDomain, domain, passwordFile, realm } from './lab.ts';
import { retryUntil, run } from './run.ts';

/** Makes `site` a second domain controller of the running domain. */
export async function joinDomain(
  site: DomainControllerSite,
  first: DomainControllerSite,
  signal: AbortSignal,
): Promise<void> {
  await sambaTool(site, signal, [
    ...['domain', 'join', dnsDomain, 'DC', `--configfile=${site.dir}/smb.conf`, `--server=${first.server.host}`],
    // --domain would be read as another option here: smb.conf says it.
    ...[`--realm=${realm}`, '--dns-backend=SAMBA_INTERNAL'],
  ]);
}

/** Tells both about each other and waits until each has fetched everything from the other. */
export async function replicateBothWays(
  first: DomainControllerSite,
  second: DomainControllerSite,
  signal: AbortSignal,
): Promise<void> {
  const configuration = `--configfile=${second.dir}/smb.conf`;
  const namesInDns = () =>
    run(['samba_dnsupdate', '--use-samba-tool', configuration], {
      prefix: second.prefix,
      signal,
      env: kerberos(second),
    });
  // It fails over a name that the domain controller itself sets in the same moment; the second time it finds it.
  await retryUntil(30, signal, namesInDns);
  for (const site of [first, second]) {
    // On a busy machine the answer may take longer than samba-tool waits for it; the second time it comes at once.
    const checked = () => sambaTool(second, signal, ['drs', 'kcc', site.server.host, configuration]);
    await retryUntil(90, signal, checked);
  }
  await retryUntil(30, signal, () => replicateNow(first, second, signal));
}

/**
 * Each domain controller fetches what it has not got from the other; both are even when this returns.
 * @throws LabError when they do not reach each other
 */
export async function replicateNow(
  first: DomainControllerSite,
  second: DomainControllerSite,
  signal: AbortSignal,
): Promise<void> {
  const hosts = [first.server.host, second.server.host];
  for (const [to = '', from = ''] of [hosts, hosts.toReversed()]) {
    const words = ['drs', 'replicate', to, from, baseDn, `--configfile=${second.dir}/smb.conf`];
    await onLiveConnections(() => sambaTool(second, signal, words));
  }
}

/** Connections that a domain controller keeps to its partner for replication. */
const KEPT_CONNECTIONS = 5;

/** After a restart of one, the other notices that a connection it kept is dead only by using it. */
async function onLiveConnections(replicate: () => Promise<void>): Promise<void> {
  for (let dead = 0; ; dead++) {
    try {
      return await replicate();
    } catch (error) {
      if (dead === KEPT_CONNECTIONS || !String(error).includes('WERR_NETNAME_DELETED')) throw error;
    }
  }
}

async function sambaTool(site: DomainControllerSite, signal: AbortSignal, words: string[]): Promise<void> {
  // The password comes by its file's name: samba-tool has no option for that, and an argument could be seen by everybody.
  await run(['samba-tool', ...words, `--username=${domain}\\administrator`], {
    prefix: site.prefix,
    signal,
    env: { ...kerberos(site), PASSWD_FILE: passwordFile(site.labDir, 'administrator') },
  });
}

function kerberos(site: DomainControllerSite): Record<string, string> {
  return { KRB5_CONFIG: join(site.labDir, 'krb5.conf') };
}
