import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { issueCertificate } from '../../../src/certificate/issue.ts';
import { buildPfx, type PfxEncryption, pfxHolds } from '../../../src/certificate/pkcs12/pkcs12.ts';
import { openPfx } from '../../../src/certificate/pkcs12/reader.ts';
import { DerError } from '../../../src/certificate/x509/der.ts';
import { anyIssued, issueRequest, openssl, withFolder } from '../support.ts';

const kinds: PfxEncryption[] = ['TripleDES_SHA1', 'AES256_SHA256'];
const passphrases = { plain: 'correct horse', 'not ASCII': 'pässwörd-€-漢-😀', long: 'x'.repeat(200) };

async function anyPfx(encryption: PfxEncryption, passphrase: string): Promise<Buffer> {
  const { certificate, privateKey } = await anyIssued();
  return buildPfx({ certificate, privateKey, passphrase, friendlyName: 'MSMQ CORP\\alice, PC-1', encryption });
}

async function openedByOpenSsl(pfx: Buffer, passphrase: string): Promise<string> {
  return withFolder(async (folder) => {
    const [file, secret] = [join(folder, 'a.pfx'), join(folder, 'a.pass')];
    await writeFile(file, pfx);
    await writeFile(secret, `${passphrase}\n`);
    return openssl('pkcs12', '-in', file, '-passin', `file:${secret}`, '-nodes', '-info');
  });
}

function pemIn(text: string, label: string): string {
  const end = `-----END ${label}-----\n`;
  return text.slice(text.indexOf(`-----BEGIN ${label}-----`), text.indexOf(end) + end.length);
}

describe('buildPfx', () => {
  for (const encryption of kinds) {
    for (const [what, passphrase] of Object.entries(passphrases)) {
      it(`${encryption}: OpenSSL opens it with a passphrase that is ${what}`, async () => {
        const { certificate } = await anyIssued();
        const text = await openedByOpenSsl(await anyPfx(encryption, passphrase), passphrase);
        const wanted = new X509Certificate(certificate);
        assert.ok(new X509Certificate(pemIn(text, 'CERTIFICATE')).raw.equals(certificate), 'the certificate');
        assert.ok(wanted.checkPrivateKey(createPrivateKey(pemIn(text, 'PRIVATE KEY'))), 'the private key');
      });
    }

    it(`${encryption}: has the names by which Windows finds key and provider`, async () => {
      const text = await openedByOpenSsl(await anyPfx(encryption, 'x'), 'x');
      assert.match(text, /friendlyName: MSMQ CORP\\alice, PC-1\n/);
      assert.match(text, /Microsoft CSP Name: Microsoft Enhanced RSA and AES Cryptographic Provider\n/);
      const [first, second, ...more] = [...text.matchAll(/localKeyID: ([0-9A-F ]+)/g)].map(([, id]) => id);
      assert.ok(first !== undefined && first === second && more.length === 0, 'one localKeyID for both');
    });
  }

  it('encrypts as Windows names it', async () => {
    const tripleDes = await openedByOpenSsl(await anyPfx('TripleDES_SHA1', 'x'), 'x');
    assert.match(tripleDes, /MAC: sha1, Iteration 2048/);
    assert.match(tripleDes, /Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048/);
    assert.match(tripleDes, /Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048/);
    const aes = await openedByOpenSsl(await anyPfx('AES256_SHA256', 'x'), 'x');
    assert.match(aes, /MAC: sha256, Iteration 2048/);
    assert.match(aes, /Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256/);
    assert.match(aes, /Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256/);
  });

  it('uses a salt once', async () => {
    const [one, two] = [await anyPfx('AES256_SHA256', 'x'), await anyPfx('AES256_SHA256', 'x')];
    assert.notDeepEqual(one, two);
  });
});

describe('pfxHolds', () => {
  for (const encryption of kinds) {
    it(`${encryption}: knows its own certificate and key, with the right passphrase only`, async () => {
      const { certificate } = await anyIssued();
      for (const passphrase of Object.values(passphrases)) {
        const pfx = await anyPfx(encryption, passphrase);
        assert.equal(pfxHolds(pfx, passphrase, certificate), true);
        assert.equal(pfxHolds(pfx, `${passphrase}x`, certificate), false);
        assert.equal(pfxHolds(pfx, '', certificate), false);
      }
    });
  }

  it('opens what OpenSSL wrote', async () => {
    const { certificate, privateKey } = await anyIssued();
    await withFolder(async (folder) => {
      const [pem, pfx] = [join(folder, 'a.pem'), join(folder, 'a.pfx')];
      await writeFile(
        pem,
        new X509Certificate(certificate).toString() + privateKey.export({ type: 'pkcs8', format: 'pem' }),
      );
      await openssl('pkcs12', '-export', '-in', pem, '-out', pfx, '-passout', 'pass:x');
      assert.equal(pfxHolds(await readFile(pfx), 'x', certificate), true);
    });
  });

  it('is false for another certificate, and for a key that does not match', async () => {
    const [one, other] = [await anyIssued(), await issueCertificate(issueRequest())];
    const build = (certificate: Buffer): Buffer =>
      buildPfx({
        certificate,
        privateKey: one.privateKey,
        passphrase: 'x',
        friendlyName: 'x',
        encryption: 'AES256_SHA256',
      });
    assert.equal(pfxHolds(build(one.certificate), 'x', other.certificate), false);
    assert.equal(pfxHolds(build(other.certificate), 'x', other.certificate), false);
  });

  it('is false, and never throws, for altered files and for no files at all', async () => {
    const { certificate } = await anyIssued();
    const pfx = await anyPfx('AES256_SHA256', 'x');
    fc.assert(
      fc.property(fc.nat(pfx.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const altered = Buffer.from(pfx);
        altered[at] = pfx.readUInt8(at) ^ by;
        assert.equal(pfxHolds(altered, 'x', certificate), false);
      }),
      { numRuns: 200 },
    );
    for (const input of [Buffer.alloc(0), Buffer.from('hello'), pfx.subarray(0, -1), certificate]) {
      assert.equal(pfxHolds(input, 'x', certificate), false);
    }
  });

  for (const encryption of kinds) {
    it(`${encryption}: no byte can be altered without being found out, and it is said in one kind of error`, async () => {
      const { certificate, privateKey } = await anyIssued();
      const content = { certificate, privateKey, passphrase: 'x', friendlyName: 'x', encryption, iterations: 1 };
      const pfx = buildPfx(content);
      assert.equal(pfxHolds(pfx, 'x', certificate), true);
      for (let at = 0; at < pfx.length; at++) {
        const altered = Buffer.from(pfx);
        altered[at] = pfx.readUInt8(at) ^ 0x81;
        assert.throws(() => openPfx(altered, 'x'), DerError, `byte ${at}`);
      }
    });
  }

  it('says in one kind of error what is wrong with anything else', async () => {
    const pfx = await anyPfx('AES256_SHA256', 'x');
    const mutation = fc.record({ at: fc.nat(pfx.length - 1), by: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 4 }), fc.nat(pfx.length - 1), (mutations, length) => {
        const mutated = Buffer.from(pfx.subarray(0, length));
        for (const { at, by } of mutations) mutated[at] = by;
        assert.throws(() => openPfx(mutated, 'x'), DerError);
      }),
      { numRuns: 1000 },
    );
  });
});
