import { ResultCodeError } from 'ldapts';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { hostAndPort, type LdapAddress } from './address.ts';
import { BadMessage } from './connect/messages.ts';

/** The LDAP result codes this tool acts on (RFC 4511, appendix A). */
export const Result = {
  success: 0,
  timeLimitExceeded: 3,
  authMethodNotSupported: 7,
  strongAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  confidentialityRequired: 13,
  saslBindInProgress: 14,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  constraintViolation: 19,
  attributeOrValueExists: 20,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const;

/** The result code of a server's refusal, null when the error is no answer of the server. */
export function resultCode(error: unknown): number | null {
  return error instanceof ResultCodeError ? error.code : null;
}

/** The server's own words in one line, for the end of a sentence. */
export function diagnostic(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // Active Directory ends its diagnostics with a NUL
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}

/** ldapts gives up on an operation with this error and closes the connection. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('Operation timed out');
}

/** A name that does not resolve, a port nobody listens on, a host no packet reaches. */
export function dialFailed(address: LdapAddress, error: unknown): MsmqCertError {
  const unreachable = (problem: string, hint: string) =>
    new MsmqCertError('directory-unreachable', problem, { hint, cause: error });
  const at = hostAndPort(address);
  switch (systemCode(error)) {
    case 'ENOTFOUND':
      return unreachable(
        `host "${address.host}" was not found`,
        'check the name, and that this machine asks the DNS of the domain',
      );
    case 'EAI_AGAIN':
      return unreachable(
        `the name "${address.host}" could not be resolved just now`,
        'check that the DNS server of this machine answers',
      );
    case 'ECONNREFUSED':
      return unreachable(
        `${at} refused the connection`,
        'check the port (636 for ldaps://, 389 for ldap://) and that the domain controller runs',
      );
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return unreachable(
        `no network route leads to ${at}`,
        'check the network, the VPN and the firewall between this machine and the domain controller',
      );
    case 'ETIMEDOUT':
      return connectTimedOut(address, error);
    default:
      return unreachable(
        `the connection to ${at} failed: ${diagnostic(error)}`,
        'check the address and the firewall in between, then try again',
      );
  }
}

export function connectTimedOut(address: LdapAddress, error: unknown): MsmqCertError {
  return new MsmqCertError('directory-timeout', `${hostAndPort(address)} did not complete the connection in time`, {
    hint: 'check the firewall between this machine and the domain controller, and that the port is the right one for the protocol',
    cause: error,
  });
}

export function notLdap(address: LdapAddress, error: unknown): MsmqCertError {
  return new MsmqCertError('directory-unreachable', `${hostAndPort(address)} does not answer as an LDAP server`, {
    hint: 'use ldaps:// with port 636 or ldap:// (StartTLS) with port 389 of a domain controller',
    cause: error,
  });
}

export function closedTooEarly(address: LdapAddress, error: unknown): MsmqCertError {
  return new MsmqCertError(
    'directory-unreachable',
    `${hostAndPort(address)} closed the connection before it was protected by TLS`,
    {
      hint: 'a domain controller without a server certificate does that, and so does a port that speaks another protocol',
      cause: error,
    },
  );
}

export function startTlsRefused(address: LdapAddress, message: string): MsmqCertError {
  return new MsmqCertError('tls-untrusted', `${hostAndPort(address)} refused StartTLS: ${message}`, {
    hint: 'give the domain controller a server certificate; no credentials are sent over an unprotected connection',
  });
}

/** The server sent what is none of LDAP, or more than anybody needs. */
export function overstepped(address: LdapAddress, sent: BadMessage): MsmqCertError {
  return new MsmqCertError('directory-error', `${hostAndPort(address)} sent ${sent.message}`, {
    hint: 'no domain controller does that: check the address, and what stands between it and this machine',
    cause: sent,
  });
}

/** An operation on an established connection failed for a reason that is no outcome of its own. */
export function operationFailed(address: LdapAddress, error: unknown): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  if (error instanceof BadMessage) return overstepped(address, error);
  const at = hostAndPort(address);
  if (isTimeout(error)) {
    return new MsmqCertError('directory-timeout', `${at} did not answer in time`, {
      hint: 'try again, with a longer timeout or against another domain controller',
      cause: error,
    });
  }
  switch (resultCode(error)) {
    case null:
      return new MsmqCertError('directory-unreachable', `the connection to ${at} was lost: ${diagnostic(error)}`, {
        hint: 'check that the domain controller runs, then run the same command again',
        cause: error,
      });
    case Result.busy:
    case Result.unavailable:
      return busy(address, error);
    case Result.timeLimitExceeded:
      return new MsmqCertError('directory-timeout', `${at} gave up on the request: it takes too long`, {
        hint: 'narrow the search with --base-dn or ask another domain controller',
        cause: error,
      });
    case Result.insufficientAccessRights:
      return new MsmqCertError('access-denied', `${at} denies the request: ${diagnostic(error)}`, {
        hint: 'bind as an account that may read the users',
        cause: error,
      });
    case Result.undefinedAttributeType:
      return schemaMissing(address, error);
    default:
      return new MsmqCertError('directory-error', `${at} refused the request: ${diagnostic(error)}`, {
        hint: "the text after the colon is the server's own, look it up in its event log",
        cause: error,
      });
  }
}

export function busy(address: LdapAddress, error: unknown): MsmqCertError {
  return new MsmqCertError('directory-busy', `${hostAndPort(address)} is too busy to answer`, {
    hint: 'try again in a while, with fewer requests at the same time',
    cause: error,
  });
}

export function schemaMissing(address: LdapAddress, error: unknown): MsmqCertError {
  return new MsmqCertError(
    'directory-schema',
    `the schema of ${hostAndPort(address)} lacks mSMQSignCertificates or mSMQDigests`,
    { hint: 'use an Active Directory forest: every one has both attributes since Windows 2000', cause: error },
  );
}
