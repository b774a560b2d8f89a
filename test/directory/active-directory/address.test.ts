import assert from 'node:assert/strict';
import { hostAndPort, isGlobalCatalog, parseLdapUrl } from '../../../src/directory/active-directory/address.ts';
import { MsmqCertError } from '../../../src/errors.ts';

describe('the address of a directory', () => {
  const good: [url: string, host: string, port: number, protection: string, shown: string][] = [
    ['ldaps://dc1.corp.example', 'dc1.corp.example', 636, 'tls', 'dc1.corp.example:636'],
    ['ldap://dc1.corp.example', 'dc1.corp.example', 389, 'starttls', 'dc1.corp.example:389'],
    ['ldaps://dc1:1636/', 'dc1', 1636, 'tls', 'dc1:1636'],
    ['LDAPS://127.0.0.5:3269', '127.0.0.5', 3269, 'tls', '127.0.0.5:3269'],
    ['ldap://[::1]:1389', '::1', 1389, 'starttls', '[::1]:1389'],
  ];
  for (const [url, host, port, protection, shown] of good) {
    it(`reads ${url}`, () => {
      const address = parseLdapUrl(url);
      assert.deepEqual(address, { host, port, protection, dial: null });
      assert.equal(hostAndPort(address), shown);
    });
  }

  for (const url of [
    '',
    'dc1',
    'dc1:636',
    'http://dc1',
    'ldaps://',
    'ldaps://dc1:0',
    'ldaps://dc1:99999',
    'ldaps://dc1/DC=x',
    'ldap://dc1?x',
  ]) {
    it(`refuses "${url}"`, () => {
      assert.throws(() => parseLdapUrl(url), { code: 'invalid-config', message: `"${url}" is not an LDAP address` });
    });
  }

  for (const url of ['ldaps://alice:geheim@dc1', 'ldaps://alice:ge heim@dc1', 'ldaps://alice@corp:geheim@dc1']) {
    it('never repeats a password that was put into the address', () => {
      assert.throws(
        () => parseLdapUrl(url),
        (error) => error instanceof MsmqCertError && !/ge ?heim/.test(`${error.message} ${error.hint} ${error.cause}`),
      );
    });
  }

  it('knows the ports of the global catalog', () => {
    const ports = ['ldap://dc1:3268', 'ldaps://dc1:3269', 'ldaps://dc1', 'ldap://dc1'];
    assert.deepEqual(
      ports.map((url) => isGlobalCatalog(parseLdapUrl(url))),
      [true, true, false, false],
    );
  });
});
