import { MsmqCertError } from '../../../errors.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import { busy, diagnostic, operationFailed, Result, resultCode } from '../errors.ts';

/** What Active Directory means by the number after `data` in its answer to a refused bind (Windows error codes, hex). */
const REASONS: Record<string, [problem: string, hint: string]> = {
  '525': ['there is no such account', 'write the name as DOMAIN\\user, user@domain.example or a distinguished name'],
  '52e': [
    'the name or the password is wrong',
    'check both; a wrong password counts towards a lockout, so do not just try again',
  ],
  '52f': [
    'the account is restricted',
    'the account must not have an empty password or be limited by an authentication policy',
  ],
  '530': ['the account may not log on at this hour', 'change its logon hours or wait'],
  '531': [
    'the account may not log on from this machine',
    'add the domain controller to the workstations it may log on to',
  ],
  '532': ['the password has expired', 'change the password, then try again'],
  '533': ['the account is disabled', 'enable the account or use another one'],
  '568': ['the account is a member of too many groups', 'use an account with fewer group memberships'],
  '701': ['the account has expired', 'extend the account or use another one'],
  '773': ['the password must be changed before the first logon', 'change the password, then try again'],
  '775': ['the account is locked out', 'unlock the account or wait until the lockout ends'],
};

/** What Windows and Samba say to a channel binding that is not theirs, or to none where they demand one (SEC_E_BAD_BINDINGS). */
const BAD_BINDINGS = /\b80090346\b/;

export type BindMethod = 'simple' | 'kerberos' | 'external';

const NOT_OFFERED: Record<BindMethod, [problem: string, hint: string]> = {
  simple: ['the server does not allow simple binds', 'allow simple binds over TLS on the domain controller'],
  kerberos: ['the server does not take Kerberos (SASL GSSAPI) inside TLS', 'bind with --auth simple'],
  external: [
    'the server does not take client certificates (SASL EXTERNAL)',
    'bind with --auth simple or --auth kerberos; Windows takes client certificates that are mapped to an account, Samba takes none',
  ],
};

/** A bind that failed. `name` says who wanted in; no secret is ever part of it. */
export function bindFailed(address: LdapAddress, name: string, method: BindMethod, error: unknown): MsmqCertError {
  const code = resultCode(error);
  if (code === null) return operationFailed(address, error);
  return bindRefused(address, name, method, { code, diagnostic: diagnostic(error) }, error);
}

/** A bind that the server refused with an LDAP result code and its own words. */
export function bindRefused(
  address: LdapAddress,
  name: string,
  method: BindMethod,
  answer: { code: number; diagnostic: string },
  cause?: unknown,
): MsmqCertError {
  const refused = ([problem, hint]: readonly [string, string]) =>
    new MsmqCertError('bind-refused', `${hostAndPort(address)} refused "${name}": ${problem}`, { hint, cause });
  const said = diagnostic(answer.diagnostic);
  switch (answer.code) {
    case Result.invalidCredentials:
      return refused(reasonOf(said, method, address.host));
    case Result.invalidDnSyntax:
    case Result.noSuchObject:
      return refused([
        'the name is not a valid one',
        'write the name as DOMAIN\\user, user@domain.example or a distinguished name',
      ]);
    case Result.strongAuthRequired:
    case Result.confidentialityRequired:
      return refused([
        'the server wants stronger authentication',
        'allow simple binds over TLS on the domain controller',
      ]);
    case Result.authMethodNotSupported:
      return refused(NOT_OFFERED[method]);
    case Result.busy:
    case Result.unavailable:
      return busy(address, cause);
    default:
      // Samba answers with operationsError, others with protocolError
      if (method === 'external') return refused(NOT_OFFERED.external);
      return refused([
        said || `LDAP result ${answer.code}`,
        "the text after the name is the server's own, look it up in its event log",
      ]);
  }
}

function reasonOf(said: string, method: BindMethod, host: string): readonly [problem: string, hint: string] {
  if (BAD_BINDINGS.test(said)) {
    return [
      'the bind does not belong to this TLS connection, by its channel binding',
      `something between here and ${host} may end TLS with a certificate of its own, such as a proxy or an inspecting firewall: connect to the domain controller itself`,
    ];
  }
  const data = /\bdata ([\da-f]+)/i.exec(said)?.[1]?.toLowerCase() ?? '52e';
  if (method === 'kerberos' && data === '52e') {
    return [
      'the server cannot read the Kerberos ticket',
      `the service name may stand at another account (setspn -Q ldap/${host} tells), or the ticket may be older than the key of the server: get a new one with kinit`,
    ];
  }
  return REASONS[data] ?? [`reason ${data} of Windows`, 'look the number up as a hexadecimal Windows error code'];
}

/** LDAP takes a bind with an empty name or password for an anonymous one and lets it in: it must not be sent. */
export function credentialsMissing(name: string): MsmqCertError {
  return name === ''
    ? new MsmqCertError('credentials-missing', 'the name to bind with is empty', {
        hint: 'name an account with --bind as DOMAIN\\user, user@domain.example or a distinguished name',
      })
    : new MsmqCertError('credentials-missing', `the password of "${name}" is empty`, {
        hint: 'give the password; the directory would take an empty one for an anonymous bind',
      });
}
