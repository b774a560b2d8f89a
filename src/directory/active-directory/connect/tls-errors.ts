import { MsmqCertError, systemCode } from '../../../errors.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import { closedTooEarly, diagnostic, notLdap } from '../errors.ts';

const TRUST_HINT =
  "give the certificate of the issuing authority with --ca-file, or pin this server's certificate with --tls-fingerprint";

/** A TLS handshake that failed: the server is not TLS, or its certificate is not to be trusted. */
export function handshakeFailed(address: LdapAddress, error: unknown): MsmqCertError {
  if (error instanceof MsmqCertError) return error;
  const at = hostAndPort(address);
  const untrusted = (problem: string, hint: string) =>
    new MsmqCertError('tls-untrusted', problem, { hint, cause: error });
  switch (systemCode(error)) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return untrusted(`the certificate of ${at} is self-signed and not trusted`, TRUST_HINT);
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return untrusted(`the certificate of ${at} comes from an authority that is not trusted`, TRUST_HINT);
    case 'CERT_HAS_EXPIRED':
      return untrusted(
        `the certificate of ${at}, or one of its authorities, has expired`,
        'renew the certificate of the domain controller and check the clock of this machine',
      );
    case 'CERT_NOT_YET_VALID':
      return untrusted(
        `the certificate of ${at} is not valid yet`,
        'check the clock of this machine and of the domain controller',
      );
    case 'CERT_REVOKED':
      return untrusted(`the certificate of ${at} is revoked`, 'give the domain controller a new certificate');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return untrusted(
        `the certificate of ${at} is for ${certificateNames(error)}, not for "${address.host}"`,
        'connect by a name that the certificate carries, or pin it with --tls-fingerprint',
      );
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_HTTP_REQUEST':
      return notLdap(address, error);
    case 'ECONNRESET':
    case 'EPIPE':
      return closedTooEarly(address, error);
    default:
      return untrusted(
        `TLS with ${at} failed: ${diagnostic(error)}`,
        'check the certificate and the TLS settings of the domain controller; at least TLS 1.2 is needed',
      );
  }
}

export function fingerprintMismatch(address: LdapAddress, actual: string): MsmqCertError {
  return new MsmqCertError(
    'tls-untrusted',
    `the certificate of ${hostAndPort(address)} has the SHA-256 fingerprint ${actual}, not the pinned one`,
    {
      hint: 'if the domain controller got a new certificate, compare the fingerprint on that machine, then pin the new one',
    },
  );
}

function certificateNames(error: unknown): string {
  const certificate = property(error, 'cert');
  const alternatives = property(certificate, 'subjectaltname');
  if (typeof alternatives === 'string' && alternatives !== '') return alternatives;
  const commonName = property(property(certificate, 'subject'), 'CN');
  return typeof commonName === 'string' ? `CN=${commonName} without alternative names` : 'no name at all';
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
