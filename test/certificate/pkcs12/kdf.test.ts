import assert from 'node:assert/strict';
import { derive } from '../../../src/certificate/pkcs12/kdf.ts';

describe('derive', () => {
  // The key derivation vectors that implementations of PKCS #12 have been tested with since its first version.
  const vectors = [
    {
      passphrase: 'smeg',
      iterations: 1,
      keySalt: '0a58cf64530d823f',
      key: '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3',
      ivSalt: '0a58cf64530d823f',
      iv: '79993dfe048d3b76',
      macSalt: '3d83c0e4546ac140',
      mac: '8d967d88f6caa9d714800ab3d48051d63f73a312',
    },
    {
      passphrase: 'queeg',
      iterations: 1000,
      keySalt: '05dec959acff72f7',
      key: 'ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4',
      ivSalt: '05dec959acff72f7',
      iv: '11dedad7758d4860',
      macSalt: '263216fcc2fab31c',
      mac: '5ec4c7a80df652294c3925b6489a7ab857c83476',
    },
  ];

  for (const { passphrase, iterations, keySalt, key, ivSalt, iv, macSalt, mac } of vectors) {
    it(`derives the known values for ${iterations} iterations`, () => {
      const from = (salt: string) =>
        ({ hashName: 'sha1', passphrase, salt: Buffer.from(salt, 'hex'), iterations }) as const;
      assert.equal(derive('key', 24, from(keySalt)).toString('hex'), key);
      assert.equal(derive('iv', 8, from(ivSalt)).toString('hex'), iv);
      assert.equal(derive('mac', 20, from(macSalt)).toString('hex'), mac);
    });
  }
});
