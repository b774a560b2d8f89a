import { type ErrorCode, MsmqCertError } from '../../../errors.ts';
import { diagnostic } from '../errors.ts';

type Explain = (about: { service: string; who: string }) => [code: ErrorCode, problem: string, hint: string];

/**
 * The package `kerberos` passes on the text of the library below it and no number. These are the words of MIT Kerberos,
 * Heimdal and Windows (SSPI), in that order where they differ.
 */
const KNOWN: readonly [words: RegExp, explain: Explain][] = [
  [
    /clock skew|clocks? .*skewed|time .*(difference|skew)/i,
    () => [
      'bind-refused',
      'the clock of this machine and that of the domain controller differ by more than Kerberos allows',
      'set the clock of this machine, for example by NTP from the domain',
    ],
  ],
  [
    /password (has )?expired|key (has )?expired|must change/i,
    ({ who }) => [
      'bind-refused',
      `Kerberos refused ${who}: the password has expired or must be changed`,
      'change the password, for example with kpasswd, then get a new ticket',
    ],
  ],
  [
    /revoked|locked out|account .*disabled/i,
    ({ who }) => [
      'bind-refused',
      `Kerberos refused ${who}: the account is disabled, expired or locked out`,
      'enable or unlock the account, or use another one',
    ],
  ],
  [
    /client .*not found in kerberos database/i,
    ({ who }) => [
      'bind-refused',
      `Kerberos refused ${who}: there is no such account`,
      'check the principal that --bind or the keytab names',
    ],
  ],
  [
    /ticket (has )?expired|credentials? .*expired|expired credentials?|context .*expired/i,
    ({ who }) => [
      'bind-refused',
      `${who} has expired`,
      'get a new one with kinit, or give a keytab with KRB5_CLIENT_KTNAME',
    ],
  ],
  [
    /preauthentication failed|decrypt integrity check failed|no suitable keys|key table entry not found/i,
    ({ who }) => [
      'bind-refused',
      `Kerberos refused ${who}: the key in the keytab is not the one of the account`,
      'export the keytab again: it became worthless when the password of the account was changed',
    ],
  ],
  [
    /key ?tab(le)? file .*(not found|no such)|cannot (open|read) key ?tab/i,
    () => ['credentials-missing', 'the keytab cannot be read', 'check the file that KRB5_CLIENT_KTNAME names'],
  ],
  [
    /server .*not found|server not found|target .*(unknown|unreachable)|unknown server/i,
    ({ service }) => [
      'bind-refused',
      `Kerberos knows no service "${service}"`,
      'name the domain controller by its full DNS name, as in ldaps://dc1.corp.example, or use ad://corp.example',
    ],
  ],
  [
    /find client principal .* cache/i,
    ({ who }) => [
      'credentials-missing',
      `there is no Kerberos ticket for ${who}`,
      'get one with kinit, or leave --bind away',
    ],
  ],
  [
    /no kerberos credentials|no credentials (were|cache)|credentials cache .*not found|no credentials are available/i,
    () => [
      'credentials-missing',
      'there is no Kerberos ticket to bind with',
      'get one with kinit, name its cache with KRB5CCNAME, or give a keytab with KRB5_CLIENT_KTNAME',
    ],
  ],
  [
    /cannot (contact|find|resolve) .*kdc|unable to reach any kdc|no authority could be contacted/i,
    () => [
      'directory-unreachable',
      'no Kerberos server (KDC) of the realm can be reached',
      'check the realm in krb5.conf, the DNS of this machine and that port 88 of a domain controller is open',
    ],
  ],
  [
    /realm/i,
    ({ service }) => [
      'invalid-config',
      `Kerberos cannot tell the realm of "${service}"`,
      'set default_realm and the realm of the domain in krb5.conf',
    ],
  ],
];

/** A step of Kerberos that failed on this machine or at the KDC; `service` is the name of what we authenticate to. */
export function kerberosFailed(service: string, principal: string | null, cause: unknown): MsmqCertError {
  const said = diagnostic(cause);
  const who = principal === null ? 'the Kerberos ticket' : `"${principal}"`;
  const [, explain] = KNOWN.find(([words]) => words.test(said)) ?? [];
  if (explain !== undefined) {
    const [code, problem, hint] = explain({ service, who });
    return new MsmqCertError(code, problem, { hint, cause });
  }
  return new MsmqCertError('bind-refused', `Kerberos failed for ${service}: ${said}`, {
    hint: 'the text after the colon comes from the Kerberos library; klist and kinit help to find out more',
    cause,
  });
}
