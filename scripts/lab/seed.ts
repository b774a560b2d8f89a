import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DomainControllerSite } from './domain-controller.ts';
import {
  type Account,
  type AccountName,
  accountNames,
  baseDn,
  dnsDomain,
  domain,
  LabError,
  passwordFile,
} from './lab.ts';
import { run } from './run.ts';

const mqOu = `OU=MQ,${baseDn}`;
const usersContainer = `CN=Users,${baseDn}`;

/** The names under which people stand in the directory; the one of dave needs every kind of escaping (RFC 4514). */
const distinguishedNames: Record<AccountName, string> = {
  administrator: `CN=Administrator,${usersContainer}`,
  provisioner: `CN=provisioner,${usersContainer}`,
  reader: `CN=reader,${usersContainer}`,
  alice: `CN=alice,${mqOu}`,
  bob: `CN=bob,${mqOu}`,
  carol: `CN=carol,${mqOu}`,
  dave: `CN=Müller\\, David \\"Dave\\" \\+ Söhne,${mqOu}`,
  protected: `CN=protected,${mqOu}`,
  disabled: `CN=disabled,${mqOu}`,
};

// userAccountControl, [MS-ADTS] 2.2.16
const normalAccount = 0x200;
const workstationAccount = 0x1000;
const accountDisabled = 0x2;
const passwordNotRequired = 0x20;

/** What the directory gives an account it protects: AdminSDHolder's own list, nothing inherited and no right for SELF. */
const protectedDescriptor =
  'O:DAG:DAD:PAI(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DA)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPLCLORC;;;AU)';

const userClass = 'bf967aba-0de6-11d0-a285-00aa003049e2';
const delegatedAttributes = ['9a0dc33c-c100-11d1-bbc5-0080c76670c0', '9a0dc33b-c100-11d1-bbc5-0080c76670c0'];

/**
 * Fills the provisioned database of a domain controller that does not run yet: named accounts with random passwords, plain
 * users, computers, and the delegation of the two attributes to `provisioner` (specification §3).
 */
export async function seed(
  site: DomainControllerSite,
  labDir: string,
  users: number,
  signal: AbortSignal,
): Promise<Record<AccountName, Account>> {
  const passwords = await makePasswords(labDir);
  const changes = [
    ...[setPassword(passwords.administrator), addSpn(site), addOu()],
    ...accountNames.filter((name) => name !== 'administrator').map((name) => addAccount(name, passwords[name])),
    ...Array.from({ length: users }, (_, index) => addPlainUser(index + 1)),
    ...[addComputer('PC-1', 0), addComputer('PC-2', 0), addComputer('PC-OLD', accountDisabled)],
  ];
  await run(['ldbmodify', ...database(site)], { prefix: site.prefix, input: changes.join('\n'), signal });
  await delegate(site, signal);
  return accounts(labDir);
}

async function makePasswords(labDir: string): Promise<Record<AccountName, string>> {
  await mkdir(join(labDir, 'passwords'), { mode: 0o700 });
  // The prefix satisfies Windows' demand for three kinds of characters.
  const passwords = accountNames.map((name) => [name, `Aa1-${randomBytes(18).toString('base64url')}`] as const);
  for (const [name, password] of passwords) await writeFile(passwordFile(labDir, name), password, { mode: 0o600 });
  return Object.fromEntries(passwords) as Record<AccountName, string>;
}

function accounts(labDir: string): Record<AccountName, Account> {
  const entries = accountNames.map((name) => [
    name,
    {
      bind: `${domain}\\${name}`,
      upn: `${name}@${dnsDomain}`,
      dn: distinguishedNames[name],
      passwordFile: passwordFile(labDir, name),
    },
  ]);
  return Object.fromEntries(entries) as Record<AccountName, Account>;
}

function setPassword(password: string): string {
  return record(distinguishedNames.administrator, [
    ['changetype', 'modify'],
    ['replace', 'unicodePwd'],
    ['unicodePwd', quoted(password)],
  ]);
}

/** Clients ask for a Kerberos ticket by this name; a domain controller without the dnsupdate service does not set it itself. */
function addSpn(site: DomainControllerSite): string {
  return record(`CN=${site.server.name.toUpperCase()},OU=Domain Controllers,${baseDn}`, [
    ['changetype', 'modify'],
    ['add', 'servicePrincipalName'],
    ['servicePrincipalName', `ldap/${site.server.host}`],
  ]);
}

function addOu(): string {
  return record(mqOu, [
    ['changetype', 'add'],
    ['objectClass', 'organizationalUnit'],
  ]);
}

function addAccount(name: AccountName, password: string): string {
  const control = name === 'disabled' ? normalAccount | accountDisabled : normalAccount;
  const protection: Line[] = [
    ['adminCount', '1'],
    ['nTSecurityDescriptor', protectedDescriptor],
  ];
  return record(distinguishedNames[name], [
    ...userLines(name, control),
    ['unicodePwd', quoted(password)],
    ...(name === 'protected' ? protection : []),
  ]);
}

/** Without a password, which nobody needs for them: deriving its Kerberos keys would take longer than all the rest. */
function addPlainUser(number: number): string {
  const name = `user${String(number).padStart(4, '0')}`;
  return record(`CN=${name},${mqOu}`, userLines(name, normalAccount | passwordNotRequired));
}

function addComputer(name: string, flags: number): string {
  return record(`CN=${name},CN=Computers,${baseDn}`, [
    ['changetype', 'add'],
    ['objectClass', 'computer'],
    ['sAMAccountName', `${name}$`],
    ['dNSHostName', `${name.toLowerCase()}.${dnsDomain}`],
    ['userAccountControl', String(workstationAccount | flags)],
  ]);
}

type Line = [name: string, value: string | Buffer];

function userLines(name: string, control: number): Line[] {
  return [
    ['changetype', 'add'],
    ['objectClass', 'user'],
    ['sAMAccountName', name],
    ['userPrincipalName', `${name}@${dnsDomain}`],
    ['userAccountControl', String(control)],
  ];
}

/** unicodePwd takes the password in quotes, as UTF-16 ([MS-ADTS] 3.1.1.3.1.5). */
function quoted(password: string): Buffer {
  return Buffer.from(`"${password}"`, 'utf16le');
}

/** One LDIF change record; values go as base64, so none of them needs escaping. */
function record(dn: string, lines: Line[]): string {
  return `${[['dn', dn] satisfies Line, ...lines].map(encodeLine).join('\n')}\n`;
}

function encodeLine([name, value]: Line): string {
  const isDirective = ['changetype', 'add', 'replace'].includes(name);
  return isDirective ? `${name}: ${value}` : `${name}:: ${Buffer.from(value).toString('base64')}`;
}

async function delegate(site: DomainControllerSite, signal: AbortSignal): Promise<void> {
  const sid = await sidOf('provisioner', site, signal);
  const rights = delegatedAttributes.map((attribute) => `(OA;CIIO;RPWP;${attribute};${userClass};${sid})`);
  await run(
    [...['samba-tool', 'dsacl', 'set', ...database(site)], ...[`--objectdn=${mqOu}`, `--sddl=${rights.join('')}`]],
    { prefix: site.prefix, signal },
  );
}

async function sidOf(name: AccountName, site: DomainControllerSite, signal: AbortSignal): Promise<string> {
  const found = await run(['ldbsearch', ...database(site), `(sAMAccountName=${name})`, 'objectSid'], {
    prefix: site.prefix,
    signal,
  });
  const sid = /^objectSid: (S-1-[-\d]+)$/m.exec(found)?.[1];
  if (sid === undefined) throw new LabError(`the seeded account ${name} has no SID`);
  return sid;
}

function database(site: DomainControllerSite): string[] {
  return ['-H', `${site.dir}/private/sam.ldb`, `--configfile=${site.dir}/smb.conf`];
}
