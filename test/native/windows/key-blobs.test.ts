import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { privateKeyBlob, publicKeyOf } from '../../../src/native/windows/key-blobs.ts';
import { openssl, withFolder } from '../../certificate/support.ts';

describe('key blobs of CryptoAPI', () => {
  for (const [bits, publicExponent] of [
    [1024, 65537],
    [2048, 65537],
    [2048, 3],
    [3072, 65537],
    [4096, 65537],
  ] as const) {
    it(`OpenSSL reads the private key of ${bits} bits with the exponent ${publicExponent}`, () =>
      withFolder(async (folder) => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent });
        const blob = join(folder, 'blob');
        const pem = join(folder, 'pem');
        await writeFile(blob, privateKeyBlob(privateKey.export({ format: 'jwk' }), 'AT_KEYEXCHANGE'));
        await openssl('rsa', '-inform', 'MSBLOB', '-in', blob, '-out', pem);
        assert.ok(createPrivateKey(await readFile(pem)).equals(privateKey));

        await openssl('rsa', '-in', pem, '-outform', 'MSBLOB', '-pubout', '-out', blob);
        const key = publicKeyOf(await readFile(blob));
        assert.ok(createPublicKey({ key, format: 'jwk' }).equals(createPublicKey(privateKey)));
      }));
  }

  it('says what a key is for', () => {
    const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });
    assert.equal(privateKeyBlob(key, 'AT_KEYEXCHANGE').readUInt32LE(4), 0xa400);
    assert.equal(privateKeyBlob(key, 'AT_SIGNATURE').readUInt32LE(4), 0x2400);
  });

  it('takes no key of another kind', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.throws(() => privateKeyBlob(privateKey.export({ format: 'jwk' }), 'AT_KEYEXCHANGE'), {
      code: 'invalid-pfx',
    });
    assert.throws(() => publicKeyOf(Buffer.alloc(20)), { code: 'key-store' });
  });
});
