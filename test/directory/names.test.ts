import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  accountOf,
  dnKey,
  fallbackDomain,
  guidText,
  isWithin,
  parseDn,
  parseUserName,
  sidBytes,
  sidText,
  userAmbiguous,
} from '../../src/directory/names.ts';
import type { MsmqCertError } from '../../src/errors.ts';

function hasCode(code: string) {
  return (error: MsmqCertError) => error.code === code;
}

describe('the names of users', () => {
  it('are told apart by their form', () => {
    assert.deepEqual(parseUserName(' alice '), { kind: 'sam', name: 'alice' });
    assert.deepEqual(parseUserName('PC-1$'), { kind: 'sam', name: 'PC-1$' });
    assert.deepEqual(parseUserName('CORP\\alice'), { kind: 'qualified', domain: 'CORP', name: 'alice' });
    assert.deepEqual(parseUserName('alice@corp.example'), { kind: 'upn', upn: 'alice@corp.example' });
    assert.deepEqual(parseUserName('s-1-5-21-1-2-3-1104'), { kind: 'sid', sid: 'S-1-5-21-1-2-3-1104' });
    assert.deepEqual(parseUserName('S-1-5'), { kind: 'sam', name: 'S-1-5' });
    const dn = 'CN=Doe\\, Alice@HQ,OU=x\\\\y,DC=corp';
    assert.deepEqual(parseUserName(dn), { kind: 'dn', dn });
  });

  it('are not found when a part of them is empty', () => {
    for (const name of ['', '  ', 'CORP\\', '\\alice', '@corp.example', 'alice@']) {
      assert.throws(() => parseUserName(name), hasCode('user-not-found'), JSON.stringify(name));
    }
  });

  it('make an account with a domain and without', () => {
    assert.equal(accountOf('CORP', 'alice'), 'CORP\\alice');
    assert.equal(accountOf('', 'alice'), 'alice');
    assert.equal(fallbackDomain('CN=alice,OU=dc\\=no,dc=corp,DC=example'), 'CORP');
    assert.equal(fallbackDomain('CN=alice,O=Example'), '');
  });

  it('list every entry that an ambiguous name could mean', () => {
    assert.match(userAmbiguous('alice', ['CN=a', 'CN=b']).message, /"alice".*CN=a.*CN=b/);
  });
});

describe('distinguished names', () => {
  it('are equal whatever their letter case, spacing and escapes', () => {
    const key = dnKey('CN=Doe\\, Jörg,OU=A+L=B,DC=corp');
    for (const same of ['cn=doe\\2C J\\C3\\B6rg , ou = a + l=b ; dc=CORP', 'CN=Doe\\2c Jo\u0308rg,OU=A+L=B,DC=corp']) {
      assert.equal(dnKey(same), key, same);
    }
    for (const other of ['CN=Doe\\, Jörg,OU=A,L=B,DC=corp', 'CN=Doe,CN=Jörg,OU=A+L=B,DC=corp', 'CN=Doe\\, Jörg']) {
      assert.notEqual(dnKey(other), key, other);
    }
  });

  it('keep escaped spaces and drop the others', () => {
    assert.deepEqual(
      parseDn('CN= a\\  ,DC=b\\\\ ').map(({ value }) => value),
      ['a ', 'b\\'],
    );
  });

  it('contain what is below them', () => {
    assert.ok(isWithin('CN=a,OU=x,DC=corp', 'ou=X, dc=corp'));
    assert.ok(isWithin('OU=x,DC=corp', 'OU=x,DC=corp'));
    assert.ok(!isWithin('CN=a,OU=xx,DC=corp', 'OU=x,DC=corp'));
    assert.ok(!isWithin('DC=corp', 'OU=x,DC=corp'));
  });

  it('give back a value whatever it holds', () => {
    const quoted = (text: string) => text.replaceAll(/[\\,;+ ]/g, '\\$&');
    const inHex = (text: string) => Buffer.from(text).toString('hex').replaceAll(/../g, '\\$&');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom(quoted, inHex), (value, written) => {
        assert.deepEqual(parseDn(`CN=${written(value)} , DC=corp`), [
          { type: 'cn', value, joined: false },
          { type: 'dc', value: 'corp', joined: false },
        ]);
      }),
    );
  });
});

describe('a SID', () => {
  it('has the documented binary form', () => {
    const bytes = Buffer.from('010500000000000515000000dcf4dc3b833d2b46828ba62850040000', 'hex');
    assert.equal(sidText(bytes), 'S-1-5-21-1004336348-1177238915-682003330-1104');
    assert.deepEqual(sidBytes('S-1-5-21-1004336348-1177238915-682003330-1104'), bytes);
  });

  it('comes back from its text', () => {
    const part = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const sid = fc.tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.array(part, { minLength: 1, maxLength: 15 }));
    fc.assert(
      fc.property(sid, ([authority, parts]) => {
        const bytes = Buffer.alloc(8 + 4 * parts.length);
        bytes.writeUInt8(1, 0);
        bytes.writeUInt8(parts.length, 1);
        bytes.writeUIntBE(authority, 2, 6);
        parts.forEach((value, index) => {
          bytes.writeUInt32LE(value, 8 + 4 * index);
        });
        assert.deepEqual(sidBytes(sidText(bytes)), bytes);
        assert.deepEqual(parseUserName(sidText(bytes)), { kind: 'sid', sid: sidText(bytes) });
      }),
    );
  });

  it('is refused when it is none', () => {
    for (const hex of ['', '0101', '0102000000000005150000', '02010000000000050a000000', '0100000000000005']) {
      assert.throws(() => sidText(Buffer.from(hex, 'hex')), hasCode('directory-error'), hex);
    }
    for (const text of ['alice', 'S-1-5', 'S-1-5-4294967296', 'S-1-9999999999-1-']) {
      assert.throws(() => sidBytes(text), hasCode('usage'), text);
    }
  });
});

describe('a GUID', () => {
  it('has its first three fields little-endian', () => {
    const bytes = Buffer.from('33221100554477668899aabbccddeeff', 'hex');
    assert.equal(guidText(bytes), '00112233-4455-6677-8899-aabbccddeeff');
    assert.throws(() => guidText(bytes.subarray(1)), hasCode('directory-error'));
  });
});
