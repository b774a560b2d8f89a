import { type ErrorCode, MsmqCertError } from '../../errors.ts';

/** What can be wrong with Kerberos, whichever library says so. */
export type KerberosProblem =
  | 'clock-skew'
  | 'password-expired'
  | 'account-unusable'
  | 'account-unknown'
  | 'ticket-expired'
  | 'wrong-key'
  | 'keytab-unreadable'
  | 'service-unknown'
  | 'no-ticket'
  | 'kdc-unreachable'
  | 'realm-unknown'
  | 'other';

/** A call that failed: what its status means, the status, and the library's own words for it. */
export interface KerberosFailure {
  problem: KerberosProblem;
  /** Whose failure it is: the hints differ. */
  library: 'gssapi' | 'sspi';
  /** major 0x000d0000, minor -1765328377 */
  status: string;
  words: string;
}

interface About {
  /** ldap/dc1.corp.example */
  service: string;
  principal: string | null;
  /** Who wants in, for messages. */
  who: string;
  failure: KerberosFailure;
}

type Explain = (about: About) => [code: ErrorCode, problem: string, hint: string];

const EXPLAIN: Record<KerberosProblem, Explain> = {
  'clock-skew': () => [
    'bind-refused',
    'the clock of this machine and that of the domain controller differ by more than Kerberos allows',
    'set the clock of this machine, for example by NTP from the domain',
  ],
  'password-expired': ({ who }) => [
    'bind-refused',
    `Kerberos refused ${who}: the password has expired or must be changed`,
    'change the password, for example with kpasswd, then get a new ticket',
  ],
  'account-unusable': ({ who }) => [
    'bind-refused',
    `Kerberos refused ${who}: the account is disabled, expired or locked out`,
    'enable or unlock the account, or use another one',
  ],
  'account-unknown': ({ who }) => [
    'bind-refused',
    `Kerberos refused ${who}: there is no such account`,
    'check the principal that --bind or the keytab names',
  ],
  'ticket-expired': ({ who }) => [
    'bind-refused',
    `${who} has expired`,
    'get a new one with kinit, or give a keytab with KRB5_CLIENT_KTNAME',
  ],
  'wrong-key': ({ who }) => [
    'bind-refused',
    `Kerberos refused ${who}: the key in the keytab is not the one of the account`,
    'export the keytab again: it became worthless when the password of the account was changed',
  ],
  'keytab-unreadable': () => [
    'credentials-missing',
    'the keytab cannot be read',
    'check the file that KRB5_CLIENT_KTNAME names',
  ],
  'service-unknown': ({ service }) => [
    'bind-refused',
    `Kerberos knows no service "${service}"`,
    'name the domain controller by its full DNS name, as in ldaps://dc1.corp.example, or use ad://corp.example',
  ],
  'no-ticket': ({ principal, who }) =>
    principal === null
      ? [
          'credentials-missing',
          'there is no Kerberos ticket to bind with',
          'get one with kinit, or name its cache with KRB5CCNAME or a readable keytab with KRB5_CLIENT_KTNAME',
        ]
      : [
          'credentials-missing',
          `there is no Kerberos ticket for ${who}`,
          'get one with kinit or a keytab that KRB5_CLIENT_KTNAME names, or leave --bind away',
        ],
  'kdc-unreachable': () => [
    'directory-unreachable',
    'no Kerberos server (KDC) of the realm can be reached',
    'check the realm in krb5.conf, the DNS of this machine and that port 88 of a domain controller is open',
  ],
  'realm-unknown': ({ service }) => [
    'invalid-config',
    `Kerberos cannot tell the realm of "${service}"`,
    'set default_realm and the realm of the domain in krb5.conf',
  ],
  other: ({ service, failure }) => [
    'bind-refused',
    `Kerberos failed for ${service}: ${oneLine(failure.words) || 'the library has no words for it'} (${failure.status})`,
    'the text after the colon comes from the Kerberos library; klist and kinit help to find out more',
  ],
};

/** Windows has no kinit, no keytab and no krb5.conf: the ticket is that of the account that runs the process. */
const WINDOWS_HINTS: Partial<Record<KerberosProblem, string>> = {
  'ticket-expired': 'lock and unlock the session, or log on again',
  'service-unknown':
    'name the domain controller by its full DNS name, as in ldaps://dc1.corp.example; setspn -Q shows who has the name',
  'no-ticket': 'run as an account of the domain (runas /netonly makes one), without --bind, or bind with --auth simple',
  'kdc-unreachable': 'check the DNS of this machine and that port 88 of a domain controller is open',
  other: 'the text after the colon comes from Windows; klist and the event log help to find out more',
};

/** A step of Kerberos that failed on this machine or at the KDC; `service` is the name of what we authenticate to. */
export function kerberosFailed(service: string, principal: string | null, failure: KerberosFailure): MsmqCertError {
  const who = principal === null ? 'the Kerberos ticket' : `"${principal}"`;
  const [code, problem, usualHint] = EXPLAIN[failure.problem]({ service, principal, who, failure });
  const hint = (failure.library === 'sspi' ? WINDOWS_HINTS[failure.problem] : undefined) ?? usualHint;
  return new MsmqCertError(code, problem, { hint, cause: new Error(`${failure.words} (${failure.status})`) });
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}
