import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AccountName, Lab, SambaVersion } from '../../scripts/lab/lab.ts';

export type { Account, AccountName, Lab } from '../../scripts/lab/lab.ts';

const execFileAsync = promisify(execFile);
/** The lab's command line. */
export const adLab = fileURLToPath(new URL('../../scripts/ad-lab', import.meta.url));
const outputLimit = 64 * 1024 * 1024;

export interface StartOptions {
  /** 2: two domain controllers that replicate. Default 1. */
  dcs?: 1 | 2;
  /** Default 4.17, the one of this machine; 4.22 demands channel binding. */
  samba?: SambaVersion;
  /** Plain users user0001, … besides the named accounts. Default 0. */
  users?: number;
}

const labs = new Map<string, Promise<Lab>>();

/**
 * A real domain for the suites of this process, started on first use and shared by all that ask for the same options. It
 * takes 8 seconds (two domain controllers: 17); the root hook in root-hooks.ts ends it, and so does the end of this process.
 */
export async function startLab({ dcs = 1, samba = '4.17', users = 0 }: StartOptions = {}): Promise<Lab> {
  if (process.getuid?.() !== 0) {
    throw new Error('the tests against Active Directory need root: run as root, or leave them out with --without-ad');
  }
  const key = `${dcs}/${samba}/${users}`;
  const lab =
    labs.get(key) ?? launchLab(['--dcs', String(dcs), '--samba', samba, '--users', String(users)], process.pid);
  labs.set(key, lab);
  return await lab;
}

/** Ends every lab that startLab started. */
export async function stopLabs(): Promise<void> {
  const started = await Promise.allSettled(labs.values());
  labs.clear();
  for (const outcome of started) {
    if (outcome.status === 'fulfilled') await runAdLab(['down', '--dir', outcome.value.dir]);
  }
}

/** A lab of its own that nobody shares and that ends with the process `ownerPid`. */
export async function launchLab(options: string[], ownerPid: number): Promise<Lab> {
  const printed = await runAdLab(['up', '--json', '--owner-pid', String(ownerPid), ...options]);
  return JSON.parse(printed) as Lab;
}

/** Runs `scripts/ad-lab` and returns what it printed, for example `['pause', '--dir', lab.dir]`. */
export async function runAdLab(words: string[]): Promise<string> {
  const { stdout } = await execFileAsync(adLab, words, { maxBuffer: outputLimit });
  return stdout;
}

/** The distinguished name of a named account, or of a plain user such as user0001. */
export function userDn(lab: Lab, name: string): string {
  return isAccount(lab, name) ? lab.accounts[name].dn : `CN=${name},OU=MQ,${lab.baseDn}`;
}

function isAccount(lab: Lab, name: string): name is AccountName {
  return Object.hasOwn(lab.accounts, name);
}

export async function readPassword(lab: Lab, name: AccountName): Promise<string> {
  return await readFile(lab.accounts[name].passwordFile, 'utf8');
}

/** How one of OpenLDAP's tools reaches the directory. Default: as administrator, by LDAPS, on the first domain controller. */
export interface LdapAccess {
  url?: string;
  as?: AccountName;
  caFile?: string;
  /** Further words, for example `['-ZZ']` for StartTLS. */
  words?: string[];
}

/** Searches with ldapsearch and returns its LDIF, one line per value. */
export async function ldapSearch(lab: Lab, words: string[], access: LdapAccess = {}): Promise<string> {
  return await ldapTool(lab, 'ldapsearch', ['-LLL', '-o', 'ldif-wrap=no', ...words], '', access);
}

/** Applies LDIF change records with ldapmodify. */
export async function ldapModify(lab: Lab, ldif: string, access: LdapAccess = {}): Promise<void> {
  await ldapTool(lab, 'ldapmodify', [], ldif, access);
}

async function ldapTool(lab: Lab, tool: string, words: string[], input: string, access: LdapAccess): Promise<string> {
  const { bind, passwordFile } = lab.accounts[access.as ?? 'administrator'];
  const connection = ['-x', '-H', access.url ?? lab.url, '-D', bind, '-y', passwordFile, ...(access.words ?? [])];
  const running = execFileAsync(tool, [...connection, ...words], {
    maxBuffer: outputLimit,
    env: { ...process.env, LDAPTLS_REQCERT: 'demand', LDAPTLS_CACERT: access.caFile ?? lab.caFile },
  });
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(input);
  return (await running).stdout;
}

export interface RawPair {
  /** null: the attribute is absent. */
  blob: Buffer | null;
  digests: Buffer[];
}

/** Reads both attributes with ldapsearch: no code of ours between the directory and the test. */
export async function readPairIndependently(lab: Lab, name: string, access: LdapAccess = {}): Promise<RawPair> {
  const base = ['-b', userDn(lab, name), '-s', 'base'];
  const ldif = await ldapSearch(lab, [...base, 'mSMQSignCertificates', 'mSMQDigests'], access);
  const [blob = null] = valuesOf(ldif, 'mSMQSignCertificates');
  return { blob, digests: valuesOf(ldif, 'mSMQDigests') };
}

/** The same, with the digests in hexadecimal and in order, so that two can be compared. */
export async function readSortedPair(lab: Lab, name: string): Promise<{ blob: Buffer | null; digests: string[] }> {
  const { blob, digests } = await readPairIndependently(lab, name);
  return { blob, digests: digests.map((digest) => digest.toString('hex')).sort() };
}

function valuesOf(ldif: string, attribute: string): Buffer[] {
  const lines = ldif.split('\n').filter((line) => line.startsWith(`${attribute}:`));
  return lines.map((line) => {
    const value = line.slice(attribute.length + 1);
    return value.startsWith(':') ? Buffer.from(value.slice(1), 'base64') : Buffer.from(value.slice(1), 'latin1');
  });
}

/** Makes the pair of a user exactly this, whatever it was, with ldapmodify. */
export async function writePair(
  lab: Lab,
  name: string,
  { blob, digests }: { blob: Uint8Array | null; digests: Uint8Array[] },
  access: LdapAccess = {},
): Promise<void> {
  const record = [
    `dn:: ${base64(Buffer.from(userDn(lab, name)))}`,
    'changetype: modify',
    'replace: mSMQSignCertificates',
    ...(blob === null ? [] : [`mSMQSignCertificates:: ${base64(blob)}`]),
    '-',
    'replace: mSMQDigests',
    ...digests.map((digest) => `mSMQDigests:: ${base64(digest)}`),
    '-',
  ];
  await ldapModify(lab, `${record.join('\n')}\n`, access);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** Deletes both attributes of a user. */
export async function resetUser(lab: Lab, name: string): Promise<void> {
  await writePair(lab, name, { blob: null, digests: [] });
}
