/** The one domain every lab serves. Labs differ by their addresses, so any number of them can be up at a time. */
export const realm = 'CORP.EXAMPLE';
export const domain = 'CORP';
export const dnsDomain = 'corp.example';
export const baseDn = 'DC=corp,DC=example';

export const accountNames = [
  'administrator',
  'provisioner',
  'reader',
  'alice',
  'bob',
  'carol',
  'dave',
  'protected',
  'disabled',
] as const;

export type AccountName = (typeof accountNames)[number];

/** How to log on as one of the lab's people; the file holds the password and nothing else. */
export interface Account {
  /** DOMAIN\name, for a simple bind. */
  bind: string;
  upn: string;
  dn: string;
  passwordFile: string;
}

export interface Server {
  name: 'dc1' | 'dc2';
  /** Fully qualified; known to the lab's own DNS servers only. */
  host: string;
  ip: string;
  /** ldaps:// by address, port 636. */
  url: string;
  /** ldap:// by address, port 389, for StartTLS. */
  startTlsUrl: string;
  /** ldaps:// by address, port 3269: the global catalog. */
  gcUrl: string;
}

/** A lab that is up, as `ad-lab up --json` prints it and as it stands in lab.json. The top-level addresses are those of dc1. */
export interface Lab extends Omit<Server, 'name'> {
  dir: string;
  realm: string;
  domain: string;
  baseDn: string;
  caFile: string;
  dnsServers: string[];
  krb5Config: string;
  /** The process that keeps the lab; when it has ended, the lab is gone. */
  pid: number;
  dcs: Server[];
  accounts: Record<AccountName, Account>;
}

/** 4.17: the one of this machine. 4.22: the one of Debian trixie, with its default to demand channel binding. */
export const sambaVersions = ['4.17', '4.22'] as const;

export type SambaVersion = (typeof sambaVersions)[number];

/** What `ad-lab up` was asked for. */
export interface LabOptions {
  dir: string;
  /** Where the files of a Samba that is not this machine's are; null: this machine's. */
  sambaTree: string | null;
  dcs: 1 | 2;
  /** How many plain users (user0001, …) to seed besides the named accounts. */
  users: number;
  /** The lab ends with this process; null: it stays until `ad-lab down`. */
  ownerPid: number | null;
}

/** What the lab's process tells the `ad-lab up` that started it. */
export type Announcement = { kind: 'ready'; lab: Lab } | { kind: 'failed'; message: string };

/** A sentence for the person at the terminal; anything else that is thrown is a defect of the lab. */
export class LabError extends Error {}

export function serverAt(name: Server['name'], ip: string): Server {
  return {
    name,
    host: `${name}.${dnsDomain}`,
    ip,
    url: `ldaps://${ip}`,
    startTlsUrl: `ldap://${ip}`,
    gcUrl: `ldaps://${ip}:3269`,
  };
}

/** Where the lab keeps the password of an account, 0600. */
export function passwordFile(dir: string, name: AccountName): string {
  return `${dir}/passwords/${name}`;
}
