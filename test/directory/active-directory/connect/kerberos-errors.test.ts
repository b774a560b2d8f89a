import assert from 'node:assert/strict';
import { kerberosFailed } from '../../../../src/directory/active-directory/connect/kerberos-errors.ts';

const UNSPECIFIED = 'Unspecified GSS failure.  Minor code may provide more information: ';
const UNAVAILABLE = 'No credentials were supplied, or the credentials were unavailable or inaccessible: ';

describe('a failure of Kerberos', () => {
  const cases: [words: string, code: string, says: RegExp][] = [
    // MIT Kerberos
    [
      `${UNAVAILABLE}No Kerberos credentials available (default cache: FILE:/x)`,
      'credentials-missing',
      /no Kerberos ticket to bind/,
    ],
    [
      `${UNAVAILABLE}Can't find client principal bob@CORP.EXAMPLE in cache collection`,
      'credentials-missing',
      /no Kerberos ticket for "bob@CORP.EXAMPLE"/,
    ],
    [`${UNSPECIFIED}Ticket expired`, 'bind-refused', /has expired/],
    [`${UNSPECIFIED}Clock skew too great`, 'bind-refused', /clock of this machine/],
    [`${UNSPECIFIED}Server not found in Kerberos database`, 'bind-refused', /no service "ldap\/dc1"/],
    [
      `${UNSPECIFIED}Server ldap/dc1@CORP.EXAMPLE not found in Kerberos database`,
      'bind-refused',
      /no service "ldap\/dc1"/,
    ],
    [`${UNSPECIFIED}Client 'bob@CORP.EXAMPLE' not found in Kerberos database`, 'bind-refused', /no such account/],
    [`${UNSPECIFIED}Client's credentials have been revoked`, 'bind-refused', /disabled, expired or locked out/],
    [`${UNSPECIFIED}Password has expired`, 'bind-refused', /password has expired/],
    [`${UNSPECIFIED}Preauthentication failed`, 'bind-refused', /key in the keytab/],
    [`${UNSPECIFIED}Key table file '/x' not found`, 'credentials-missing', /keytab cannot be read/],
    [`${UNSPECIFIED}Cannot contact any KDC for realm 'CORP.EXAMPLE'`, 'directory-unreachable', /no Kerberos server/],
    [`${UNSPECIFIED}Cannot find KDC for realm "CORP.EXAMPLE"`, 'directory-unreachable', /no Kerberos server/],
    [`${UNSPECIFIED}Cannot determine realm for numeric host address`, 'invalid-config', /realm of "ldap\/dc1"/],
    // Windows
    ['InitializeSecurityContext: The specified target is unknown or unreachable\r\n', 'bind-refused', /no service/],
    [
      'InitializeSecurityContext: The clocks on the client and server machines are skewed.\r\n',
      'bind-refused',
      /clock/,
    ],
    [
      'InitializeSecurityContext: No credentials are available in the security package\r\n',
      'credentials-missing',
      /no Kerberos ticket/,
    ],
    [
      'InitializeSecurityContext: No authority could be contacted for authentication.\r\n',
      'directory-unreachable',
      /no Kerberos server/,
    ],
    // nobody's
    ['A wholly new problem', 'bind-refused', /Kerberos failed for ldap\/dc1: A wholly new problem$/],
  ];
  for (const [words, code, says] of cases) {
    it(`${words.replace(/^.*: /, '').trim()}: ${code}`, () => {
      const error = kerberosFailed('ldap/dc1', 'bob@CORP.EXAMPLE', new Error(words));
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.ok(error.hint);
    });
  }

  it('speaks of the ticket when nobody named a principal', () => {
    assert.equal(
      kerberosFailed('ldap/dc1', null, new Error('Ticket expired')).message,
      'the Kerberos ticket has expired',
    );
  });
});
