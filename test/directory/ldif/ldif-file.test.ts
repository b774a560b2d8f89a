import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../../src/blob/digest.ts';
import { indexUsers } from '../../../src/directory/ldif/index.ts';
import { ldifBinary } from '../../../src/directory/ldif/ldif.ts';
import { openLdifFile } from '../../../src/directory/ldif/ldif-file.ts';
import { assertGrowsStraight } from '../../growth.ts';
import { readEverything } from '../listed.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');
const ldapsearch = join(fixtures, 'ldapsearch.ldif');
const vector = (name: string) => readFileSync(join(fixtures, 'vectors', name));
const md5sOfWorkedExample = ['ab4dceb8505175ac960985047035a0ac', '7bee610f3c871cdf427390add909df65'];

describe('an LDIF file as directory', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
    file = join(folder, 'users.ldif');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function accounts(text: string, options = {}): Promise<string[]> {
    writeFileSync(file, text);
    const directory = await openLdifFile(file, options);
    return (await readEverything(directory)).map(({ user }) => user.account);
  }

  it('finds a user by every form of name', async () => {
    const directory = await openLdifFile(ldapsearch);
    const carol = {
      account: 'CORPNET\\carol',
      dn: 'CN=carol,OU=Sales\\, North,DC=corp,DC=example',
      sid: 'S-1-5-21-1004336348-1177238915-682003330-1106',
      guid: '8019a0a9-a610-3d07-b964-34f6cc5f22a8',
      protected: false,
    };
    const names = [
      'carol',
      'CAROL',
      'corpnet\\Carol',
      'carol@CORP.example',
      'cn=Carol, ou=sales\\2c north,DC=corp,DC=example',
    ];
    for (const name of [...names, carol.sid]) assert.deepEqual(await directory.findUser(name), carol, name);
  });

  it('knows protected users, computers and names beyond ASCII', async () => {
    const directory = await openLdifFile(ldapsearch);
    assert.equal((await directory.findUser('alice')).protected, true);
    assert.equal((await directory.findUser('PC-1$')).account, 'CORPNET\\PC-1$');
    assert.equal((await directory.findUser('CN=JÖRG,OU=Büro,DC=corp,DC=example')).account, 'CORPNET\\joerg');
  });

  it('finds nobody under a name that is no user', async () => {
    const directory = await openLdifFile(ldapsearch);
    for (const name of [
      'nobody',
      'OTHER\\alice',
      'signers',
      'DC=corp,DC=example',
      'S-1-5-18',
      'alice@other.example',
      '',
    ]) {
      await assert.rejects(directory.findUser(name), { code: 'user-not-found' }, name);
    }
  });

  it('asks back when a name means more than one user', async () => {
    const two = ['corp', 'lab'].map((dc) => `dn: CN=alice,DC=${dc}\nobjectClass: user\nsAMAccountName: alice\n`);
    writeFileSync(file, two.join('\n'));
    const directory = await openLdifFile(file);
    await assert.rejects(directory.findUser('alice'), { code: 'user-ambiguous', message: /DC=corp.*DC=lab/ });
    assert.equal((await directory.findUser('lab\\alice')).dn, 'CN=alice,DC=lab');
  });

  it('takes the domain from the option, the crossRef of the entry or its first DC', async () => {
    const user = (dc: string) => `dn: CN=alice,${dc}\nobjectClass: user\n\n`;
    const crossRef = 'dn: CN=X,CN=Partitions\nnCName: DC=lab,DC=example\nnETBIOSName: LABNET\n\n';
    const text = user('DC=lab,DC=example') + user('DC=corp,DC=example') + user('O=Example') + crossRef;
    assert.deepEqual(await accounts(text), ['LABNET\\alice', 'CORP\\alice', 'alice']);
    assert.deepEqual(await accounts(text, { domain: 'D' }), ['D\\alice', 'D\\alice', 'D\\alice']);
    assert.deepEqual(await accounts(text, { baseDn: 'dc=corp, dc=example' }), ['CORP\\alice']);
  });

  it('lists the users and computers, no groups, contacts or other entries', async () => {
    const directory = await openLdifFile(ldapsearch);
    const listed = (await readEverything(directory)).map(({ user, pair }) => [user.account, pair.blob?.length ?? null]);
    assert.deepEqual(listed, [
      ['CORPNET\\alice', vector('three-rsa.bin').length],
      ['CORPNET\\bob', null],
      ['CORPNET\\carol', vector('worked-example.bin').length],
      ['CORPNET\\joerg', null],
      ['CORPNET\\PC-1$', null],
    ]);
    assert.deepEqual(await accounts('dn: CN=a,DC=x\nobjectClass: person\nobjectClass: contact\n'), []);
  });

  it('reads both attributes byte for byte, whatever wrote the file', async () => {
    for (const [export_, name, blob] of [
      ['ldapsearch.ldif', 'carol', 'worked-example.bin'],
      ['ldapsearch-narrow.ldif', 'CORP\\alice', 'worked-example.bin'],
      ['ldifde.ldif', 'alice', 'three-rsa.bin'],
    ] as const) {
      const directory = await openLdifFile(join(fixtures, export_));
      const pair = await directory.read(await directory.findUser(name));
      assert.ok(vector(blob).equals(pair.blob ?? Buffer.of()), export_);
      if (blob === 'worked-example.bin') assert.deepEqual(pair.digests.map(toHex), md5sOfWorkedExample);
      assert.deepEqual(await directory.read(await directory.findUser('bob')), { blob: null, digests: [] });
    }
  });

  it('tells an empty blob from an absent one', async () => {
    writeFileSync(file, 'dn: CN=a,DC=x\nMSMQsigncertificates:\n');
    const directory = await openLdifFile(file);
    assert.deepEqual(await directory.read(await directory.findUser('a')), { blob: Buffer.of(), digests: [] });
  });

  it('joins the ranges of many digests and refuses to go on without one of them', async () => {
    const digests = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(16, `${index}-`));
    const range = (name: string, from: number, to: number) =>
      digests
        .slice(from, to)
        .map((digest) => ldifBinary(`mSMQDigests;range=${name}`, digest))
        .join('');
    const begin = 'dn: CN=a,DC=x\nmSMQDigests:\n';
    writeFileSync(file, begin + range('1500-*', 1500, 3000) + range('0-1499', 0, 1500));
    const whole = await openLdifFile(file);
    assert.deepEqual((await whole.read(await whole.findUser('a'))).digests, digests);

    for (const incomplete of [range('0-1499', 0, 1500), range('1500-*', 1500, 3000)]) {
      writeFileSync(file, begin + incomplete);
      const directory = await openLdifFile(file);
      await assert.rejects(directory.read(await directory.findUser('a')), {
        code: 'invalid-ldif',
        message: /mSMQDigests/,
      });
    }
  });

  it('sees what other programs write into the file', async () => {
    writeFileSync(file, `dn: CN=a,DC=x\n\n`);
    const directory = await openLdifFile(file);
    const user = await directory.findUser('a');
    writeFileSync(file, `dn: CN=b,DC=x\n\ndn: CN=a,DC=x\nmSMQSignCertificates: later\n`);
    assert.equal((await directory.read(user)).blob?.toString(), 'later');
    assert.equal((await directory.findUser('b')).dn, 'CN=b,DC=x');
    writeFileSync(file, `dn: CN=b,DC=x\n`);
    await assert.rejects(directory.read(user), { code: 'user-not-found' });
  });

  it('refuses a broken file and says where', async () => {
    const broken: [string, RegExp][] = [
      ['dn: CN=a,DC=x\n\ndn: cn=A,dc=x\n', /users\.ldif line 3: .*line 1/],
      ['dn: CN=a,DC=x\nobjectSid:: AAAA\n', /line 1: objectSid/],
      ['dn: CN=a,DC=x\nchangetype: modify\n', /line 2: .*"modify"/],
      [vector('three-rsa.bin').toString('latin1'), /line 1: binary/],
    ];
    for (const [text, message] of broken) {
      writeFileSync(file, text, 'latin1');
      await assert.rejects(openLdifFile(file), { code: 'invalid-ldif', message });
    }
    writeFileSync(file, 'dn: CN=b,DC=x\n\ndn: CN=a,DC=x\nmSMQSignCertificates: 1\nmSMQSignCertificates: 2\n');
    const directory = await openLdifFile(file);
    await assert.rejects(directory.read(await directory.findUser('a')), {
      code: 'invalid-ldif',
      message: /line 3: .*2 values/,
    });
  });

  it('says that a file is missing or no file', async () => {
    const missing = openLdifFile(join(folder, 'missing.ldif'));
    await assert.rejects(missing, { code: 'file-unreadable', message: /missing\.ldif/, hint: /ldifde/ });
    await assert.rejects(openLdifFile(folder), { code: 'file-unreadable' });
    assert.deepEqual(await accounts('# nobody yet\n'), []);
  });

  it('takes SID and GUID also in text, as ldbsearch prints them', async () => {
    const guid = '00112233-4455-6677-8899-aabbccddeeff';
    writeFileSync(file, `dn: CN=a,DC=x\nobjectSid: S-1-5-21-1-2-3-4\nobjectGUID: ${guid}\n`);
    const user = await (await openLdifFile(file)).findUser('S-1-5-21-1-2-3-4');
    assert.deepEqual([user.sid, user.guid], ['S-1-5-21-1-2-3-4', guid]);
  });

  it('is indexed as fast when all accounts have one name as when none have', async () => {
    const record = (index: number) => `dn: CN=alice,OU=o${index},DC=corp\nobjectClass: user\nsAMAccountName: alice\n\n`;
    await assertGrowsStraight(async (size) => {
      const text = Array.from({ length: size }, (_, index) => record(index)).join('');
      const index = await indexUsers([Buffer.from(text)], 'users.ldif', {});
      assert.equal(index.find('sam:alice').length, size);
    });
  });
});
