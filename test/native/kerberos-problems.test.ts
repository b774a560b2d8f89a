import assert from 'node:assert/strict';
import { problemOf } from '../../src/native/kerberos/gssapi-status.ts';
import { type KerberosFailure, type KerberosProblem, kerberosFailed } from '../../src/native/kerberos/problems.ts';
import { problemOfStatus } from '../../src/native/kerberos/sspi-status.ts';

const FAILURE = 0x000d0000;
const NO_CREDENTIALS = 0x00070000;
const CREDENTIALS_EXPIRED = 0x000b0000;

/** As explained for the principal bob and the service ldap/dc1. */
function explained(problem: KerberosProblem, library: KerberosFailure['library'] = 'gssapi') {
  const failure = { problem, library, status: 'status 1', words: 'A wholly\nnew problem' };
  return kerberosFailed('ldap/dc1', 'bob@CORP.EXAMPLE', failure);
}

describe('a failure of Kerberos', () => {
  // the numbers as MIT Kerberos has them in krb5.h
  const cases: [name: string, major: number, minor: number, code: string, says: RegExp][] = [
    [
      'KRB5_CC_NOTFOUND',
      NO_CREDENTIALS,
      -1765328243,
      'credentials-missing',
      /no Kerberos ticket for "bob@CORP.EXAMPLE"/,
    ],
    ['KRB5_FCC_NOFILE', FAILURE, -1765328189, 'credentials-missing', /no Kerberos ticket/],
    ['no minor status', NO_CREDENTIALS, 0, 'credentials-missing', /no Kerberos ticket/],
    ['no minor status, expired', CREDENTIALS_EXPIRED, 0, 'bind-refused', /has expired/],
    ['KRB5KRB_AP_ERR_TKT_EXPIRED', FAILURE, -1765328352, 'bind-refused', /has expired/],
    ['KRB5KRB_AP_ERR_TKT_NYV', FAILURE, -1765328351, 'bind-refused', /clock of this machine/],
    ['KRB5KRB_AP_ERR_SKEW', FAILURE, -1765328347, 'bind-refused', /clock of this machine/],
    ['KRB5_KDCREP_SKEW', FAILURE, -1765328236, 'bind-refused', /clock of this machine/],
    ['KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN', FAILURE, -1765328377, 'bind-refused', /no service "ldap\/dc1"/],
    ['KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN', FAILURE, -1765328378, 'bind-refused', /no such account/],
    ['KRB5KDC_ERR_CLIENT_REVOKED', FAILURE, -1765328366, 'bind-refused', /disabled, expired or locked out/],
    ['KRB5KDC_ERR_NAME_EXP', FAILURE, -1765328383, 'bind-refused', /disabled, expired or locked out/],
    ['KRB5KDC_ERR_KEY_EXP', FAILURE, -1765328361, 'bind-refused', /password has expired/],
    ['KRB5KDC_ERR_PREAUTH_FAILED', FAILURE, -1765328360, 'bind-refused', /key in the keytab/],
    ['KRB5KRB_AP_ERR_BAD_INTEGRITY', FAILURE, -1765328353, 'bind-refused', /key in the keytab/],
    ['KRB5_KT_NOTFOUND', FAILURE, -1765328203, 'bind-refused', /key in the keytab/],
    ['KRB5_KT_IOERR', FAILURE, -1765328200, 'credentials-missing', /keytab cannot be read/],
    ['KRB5_KT_FORMAT', FAILURE, -1765328149, 'credentials-missing', /keytab cannot be read/],
    ['KRB5_KDC_UNREACH', FAILURE, -1765328228, 'directory-unreachable', /no Kerberos server/],
    ['KRB5_REALM_UNKNOWN', FAILURE, -1765328230, 'directory-unreachable', /no Kerberos server/],
    ['KRB5_REALM_CANT_RESOLVE', FAILURE, -1765328164, 'directory-unreachable', /no Kerberos server/],
    ['KRB5_ERR_NUMERIC_REALM', FAILURE, -1765328141, 'invalid-config', /realm of "ldap\/dc1"/],
    ['KRB5_CONFIG_NODEFREALM', FAILURE, -1765328160, 'invalid-config', /realm of "ldap\/dc1"/],
    [
      'KRB5KRB_ERR_GENERIC',
      NO_CREDENTIALS,
      -1765328324,
      'bind-refused',
      /failed for ldap\/dc1: A wholly new problem \(status 1\)$/,
    ],
  ];
  for (const [name, major, minor, code, says] of cases) {
    it(`${name}: ${code}`, () => {
      // the library hands both out as unsigned numbers
      const error = explained(problemOf(major, minor >>> 0));
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.ok(error.hint);
    });
  }

  // the numbers as winerror.h has them
  const statuses: [name: string, status: number, code: string, says: RegExp][] = [
    ['SEC_E_TARGET_UNKNOWN', 0x80090303, 'bind-refused', /no service "ldap\/dc1"/],
    ['SEC_E_UNKNOWN_CREDENTIALS', 0x8009030d, 'credentials-missing', /no Kerberos ticket/],
    ['SEC_E_NO_CREDENTIALS', 0x8009030e, 'credentials-missing', /no Kerberos ticket/],
    ['SEC_E_NO_AUTHENTICATING_AUTHORITY', 0x80090311, 'directory-unreachable', /no Kerberos server/],
    ['SEC_E_CONTEXT_EXPIRED', 0x80090317, 'bind-refused', /has expired/],
    ['SEC_E_TIME_SKEW', 0x80090324, 'bind-refused', /clock of this machine/],
    ['SEC_E_INTERNAL_ERROR', 0x80090304, 'bind-refused', /A wholly new problem \(status 1\)$/],
  ];
  for (const [name, status, code, says] of statuses) {
    it(`${name}: ${code}, with a hint for Windows`, () => {
      // SSPI hands it out as a signed number
      const error = explained(problemOfStatus(status | 0), 'sspi');
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.doesNotMatch(error.hint ?? '', /kinit|krb5|KRB5/);
    });
  }

  it('speaks of the ticket when nobody named a principal', () => {
    const failure = { problem: 'ticket-expired', library: 'gssapi', status: '', words: '' } as const;
    assert.equal(kerberosFailed('ldap/dc1', null, failure).message, 'the Kerberos ticket has expired');
  });

  it('keeps the status and the words of the library for --verbose', () => {
    const { cause } = explained('clock-skew');
    assert.match(String(cause), /new problem \(status 1\)/);
  });
});
