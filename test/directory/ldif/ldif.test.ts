import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  type LdifRecord,
  ldifAttribute,
  ldifBinary,
  type ReadOptions,
  readRecords,
} from '../../../src/directory/ldif/ldif.ts';

const fixtures = new URL('../../fixtures/', import.meta.url);

async function read(text: string | Uint8Array, options: ReadOptions = {}): Promise<LdifRecord[]> {
  return await Array.fromAsync(readRecords([Buffer.from(text)], options));
}

function shown(record: LdifRecord): [string, Record<string, string[]>] {
  const attributes = [...record.attributes].map(([name, values]) => [name, values.map(String)]);
  return [record.dn, Object.fromEntries(attributes)];
}

async function refuses(text: string | Uint8Array, line: number, what: RegExp): Promise<void> {
  await assert.rejects(read(text, { source: 'users.ldif' }), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'invalid-ldif');
    assert.match(error.message, new RegExp(`^users\\.ldif line ${line}: `));
    assert.match(error.message, what);
    assert.notEqual(error.hint, '');
    return true;
  });
}

describe('reading LDIF', () => {
  it('unfolds lines, decodes base64 and leaves comments out', async () => {
    const text = `version: 1
# a comment
 that goes on
dn:: Y249asO2cmcsZGM9
 Y29ycA==
CN:  j
 oe
cn:
description;lang-en: ends with a space${' '}
jpegPhoto::
 AP8=

`;
    assert.deepEqual((await read(text)).map(shown), [
      ['cn=jörg,dc=corp', { cn: ['joe', ''], 'description;lang-en': ['ends with a space '], jpegphoto: ['\0\ufffd'] }],
    ]);
  });

  it('unfolds a line broken inside its name and between its colons', async () => {
    assert.deepEqual((await read('dn: cn=a\nc\n n:\n : YQ=\n =\n')).map(shown), [['cn=a', { cn: ['a'] }]]);
  });

  it('takes any number of blank lines, both line ends, a byte order mark and no newline at the end', async () => {
    const text = '\ufeff\r\n\n\r\ndn: cn=a\r\ncn: a\r\n\r\n\r\n\ndn: cn=b\n \ncn: b';
    assert.deepEqual((await read(text)).map(shown), [
      ['cn=a', { cn: ['a'] }],
      ['cn=b', { cn: ['b'] }],
    ]);
  });

  it('gives the same records however the input is cut into chunks', async () => {
    const bytes = readFileSync(new URL('ldifde.ldif', fixtures));
    const whole = await read(bytes);
    for (const size of [1, 2, 3, 77]) {
      const cuts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
      const chunks = cuts.map((cut) => bytes.subarray(cut, cut + size));
      assert.deepEqual(await Array.fromAsync(readRecords(chunks)), whole);
    }
  });

  it('pulls no more input than the next record needs', async () => {
    const record = `dn: cn=a\n${ldifBinary('blob', Buffer.alloc(1024 * 1024))}\n`;
    let pulled = 0;
    const chunks = (function* () {
      for (; pulled < 20 * record.length; pulled += record.length) yield Buffer.from(record);
    })();
    let read = 0;
    for await (const { range } of readRecords(chunks)) {
      read += 1;
      assert.ok(pulled <= range.end);
    }
    assert.equal(read, 20);
  });

  it('says where each record is', async () => {
    const bytes = readFileSync(new URL('ldapsearch-narrow.ldif', fixtures));
    for (const { dn, range, line } of await read(bytes)) {
      const text = bytes.toString('latin1', range.start, range.end);
      assert.ok(text.startsWith(`dn: ${dn}\n`) && text.endsWith('\n') && !text.endsWith('\n\n'));
      assert.equal(bytes.toString('latin1').split('\n')[line - 1], `dn: ${dn}`);
    }
  });

  it('leaves out what ldapsearch prints around the entries', async () => {
    const dns = (await read(readFileSync(new URL('ldapsearch-narrow.ldif', fixtures)))).map(({ dn }) => dn);
    assert.deepEqual(dns, ['CN=alice,CN=Users,DC=corp,DC=example', 'CN=bob,CN=Users,DC=corp,DC=example']);
  });

  it('takes the entries of an ldifde export', async () => {
    const records = await read(readFileSync(new URL('ldifde.ldif', fixtures)));
    assert.deepEqual(
      records.map(({ attributes }) => attributes.get('samaccountname')?.map(String)),
      [['alice'], ['bob']],
    );
    const blob = readFileSync(new URL('vectors/three-rsa.bin', fixtures));
    assert.deepEqual(records[0]?.attributes.get('msmqsigncertificates'), [blob]);
  });

  it('skips other attributes than the wanted ones, options or not', async () => {
    const [record] = await read('dn: cn=a\nx:: !!!\nMail;lang-en: a@b\n', { only: new Set(['mail']) });
    assert.deepEqual([...(record?.attributes.keys() ?? [])], ['mail;lang-en']);
  });

  it('refuses what it cannot read and names the line', async () => {
    await refuses('dn: cn=a\ncn a\n', 2, /neither/);
    await refuses('dn: cn=a\n c\n\n\ncn: a\n', 5, /"cn" without a dn/);
    await refuses('dn: cn=a\ncn: a\ndn: cn=b\n', 3, /second dn/);
    await refuses('dn: cn=a\n# c\n d\njpegPhoto:< file:///etc/passwd\n', 4, /URL/);
    await refuses('dn: cn=a\njpegPhoto:: A-_=\n', 2, /base64/);
    await refuses('dn: cn=a\njpegPhoto:: AAA\n', 2, /base64/);
    await refuses('version: 2\ndn: cn=a\n', 1, /version/);
    await refuses('dn:\ncn: a\n', 1, /dn is empty/);
    await refuses(Buffer.from('dn: cn=\xff\n', 'latin1'), 1, /not UTF-8/);
    await refuses('dn: cn=a\ncn: a\0b\n', 2, /zero byte/);
  });

  it('refuses changes', async () => {
    await refuses('dn: cn=a\nchangetype: modify\ndelete: mSMQDigests\n-\n', 2, /"modify"/);
    await refuses('dn: cn=a\n\ndn: cn=b\nchangetype: delete\n', 4, /"delete"/);
    await refuses('dn: cn=a\nchangetype:: bW9kcmRu\n', 2, /"modrdn"/);
  });

  it('refuses the output of a search that did not finish', async () => {
    await refuses('dn: cn=a\n\nsearch: 2\nresult: 4 Size limit exceeded\n', 4, /4 Size limit exceeded/);
  });

  it('refuses a file that is not LDIF', async () => {
    await refuses(readFileSync(new URL('vectors/three-rsa.bin', fixtures)), 1, /binary data/);
    await refuses(Buffer.from('\ufeffdn: cn=a\r\n', 'utf16le'), 1, /UTF-16/);
    await refuses('{ "schema": 1 }', 1, /neither/);
  });

  it('never repeats a value in an error', async () => {
    await assert.rejects(read('dn: cn=a\nunicodePwd:: hunter!2\n'), (error: Error & { hint: string }) => {
      return !`${error.message} ${error.hint}`.includes('hunter');
    });
    await assert.rejects(read('dn: cn=a\nhunter!2\n'), (error: Error) => !error.message.includes('hunter'));
  });

  it('stops at 64 MiB without a blank line', async () => {
    const chunk = Buffer.from('a: b\n'.repeat(1 << 18));
    const chunks = (function* () {
      for (;;) yield chunk;
    })();
    await assert.rejects(Array.fromAsync(readRecords(chunks)), /no blank line within 64 MiB/);
  });
});

describe('writing LDIF', () => {
  it('gives back the same bytes when read', async () => {
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string(),
    );
    const property = fc.asyncProperty(value, value, fc.constantFrom('\n', '\r\n'), async (one, other, newline) => {
      const text = ['dn', 'blob', 'blob'].map((name, index) =>
        ldifAttribute(name, ['cn=a', one, other][index] ?? '', newline),
      );
      const [record] = await read(text.join(''));
      assert.deepEqual(
        record?.attributes.get('blob')?.map((bytes) => bytes.toString('hex')),
        [Buffer.from(one).toString('hex'), Buffer.from(other).toString('hex')],
      );
    });
    await fc.assert(property);
  });

  it('keeps every line within 76 columns of printable ASCII', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (value) => {
        for (const line of ldifAttribute('mSMQSignCertificates', value).split('\n')) {
          assert.match(line, /^[\x20-\x7e]{0,76}$/);
        }
      }),
    );
  });

  it('writes text as text where RFC 2849 allows it', () => {
    assert.equal(ldifAttribute('cn', 'alice: <b>'), 'cn: alice: <b>\n');
    assert.equal(ldifAttribute('cn', ''), 'cn:\n');
    for (const unsafe of [' a', ':a', '<a', 'a ', 'a\nb', 'a\0', 'ö']) {
      assert.equal(ldifAttribute('cn', unsafe), `cn:: ${Buffer.from(unsafe).toString('base64')}\n`);
    }
    assert.equal(ldifBinary('cn', Buffer.from('a')), 'cn:: YQ==\n');
  });

  it('carries a value of 1 MiB', async () => {
    const blob = Buffer.alloc(1024 * 1024, 'certificates');
    const [record] = await read(ldifAttribute('dn', 'cn=a') + ldifBinary('blob', blob));
    assert.ok(record?.attributes.get('blob')?.[0]?.equals(blob));
  });
});
