import assert from 'node:assert/strict';
import { InvalidCredentialsError, StrongAuthRequiredError } from 'ldapts';
import { parseLdapUrl } from '../../../../src/directory/active-directory/address.ts';
import {
  type BindMethod,
  bindFailed,
  bindRefused,
} from '../../../../src/directory/active-directory/connect/bind-errors.ts';
import { openConnection } from '../../../../src/directory/active-directory/connect/connection.ts';

const address = parseLdapUrl('ldaps://dc1');

describe('a refused bind', () => {
  const reasons: [data: string, says: RegExp][] = [
    ['525', /there is no such account/],
    ['52e', /the name or the password is wrong/],
    ['530', /may not log on at this hour/],
    ['531', /may not log on from this machine/],
    ['532', /the password has expired/],
    ['533', /the account is disabled/],
    ['701', /the account has expired/],
    ['773', /the password must be changed/],
    ['775', /the account is locked out/],
    ['abc', /reason abc of Windows/],
  ];
  for (const [data, says] of reasons) {
    it(`data ${data}: ${says.source}`, () => {
      const text = `80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data ${data}, v4563\0`;
      const error = bindFailed(address, 'CORP\\alice', 'simple', new InvalidCredentialsError(text));
      assert.equal(error.code, 'bind-refused');
      assert.match(error.message, says);
      assert.match(error.message, /dc1:636 refused "CORP\\alice"/);
    });
  }

  it('names the demand for stronger authentication', () => {
    assert.match(
      bindFailed(address, 'CORP\\alice', 'simple', new StrongAuthRequiredError()).message,
      /stronger authentication/,
    );
  });

  it('tells a bind that came through somebody else', () => {
    const diagnostic = '80090346: LdapErr: DSID-0C0905FC, comment: AcceptSecurityContext error, data 80090346, v4563\0';
    const error = bindRefused(address, 'alice@CORP.EXAMPLE', 'kerberos', { code: 49, diagnostic });
    assert.equal(error.code, 'bind-refused');
    assert.match(error.message, /does not belong to this TLS connection, by its channel binding/);
    assert.match(error.hint ?? '', /between here and dc1 may end TLS/);
  });

  it('does not speak of a password where the ticket is wrong', () => {
    const diagnostic = '80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1';
    const error = bindRefused(address, 'the Kerberos ticket', 'kerberos', { code: 49, diagnostic });
    assert.match(error.message, /cannot read the Kerberos ticket/);
    assert.match(error.hint ?? '', /setspn -Q ldap\/dc1 /);
  });

  it('tells which way to bind the server does not offer', () => {
    const said = (method: BindMethod) => bindRefused(address, 'alice', method, { code: 7, diagnostic: '' }).message;
    assert.match(said('simple'), /does not allow simple binds/);
    assert.match(said('kerberos'), /does not take Kerberos/);
    assert.match(said('external'), /does not take client certificates/);
  });

  it('is our own for an empty name or password, which the directory would let in as nobody', async () => {
    const refuse = (name: string, password: string) =>
      openConnection({
        // nobody listens there: the refusal must come before any connection
        address: { ...address, host: '127.0.0.1', port: 1 },
        credentials: { kind: 'simple', name, password },
        trust: { kind: 'authorities', pem: null },
        connectTimeoutMs: 1000,
        operationTimeoutMs: 1000,
      });
    await assert.rejects(refuse('CORP\\alice', ''), {
      code: 'credentials-missing',
      message: /password of "CORP\\alice" is empty/,
    });
    await assert.rejects(refuse('', 'geheim'), { code: 'credentials-missing', message: /name to bind with is empty/ });
  });
});
