import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SealPadding, seal } from '../../../src/certificate/sealing/envelope.ts';
import { readRecipient, recipientFrom } from '../../../src/certificate/sealing/recipient.ts';
import { openssl, withFolder } from '../support.ts';
import { makeRecipient, opened } from './support.ts';

describe('a sealed file', () => {
  for (const padding of ['oaep', 'pkcs1'] as SealPadding[]) {
    for (const usage of ['keyUsage=keyEncipherment', null]) {
      it(`is opened by openssl with ${padding}, ${usage ?? 'no key usage'}`, () =>
        withFolder(async (folder) => {
          const { certificate, key } = await makeRecipient(folder, usage);
          const recipient = await readRecipient(certificate, new Date());
          for (const length of [0, 15, 16, 5000]) {
            const content = Buffer.alloc(length, 'geheim');
            const file = join(folder, 'x.p7m');
            await writeFile(file, await seal(content, { recipient, padding }));
            assert.deepEqual(await opened(file, certificate, key), content);
            if (length > 0) assert.equal((await readFile(file)).includes('geheim'), false);
          }
          const structure = await openssl('cms', '-cmsout', '-print', '-inform', 'DER', '-in', join(folder, 'x.p7m'));
          assert.match(structure, /aes-256-cbc/);
          assert.match(structure, padding === 'oaep' ? /rsaesOaep/ : /rsaEncryption/);
        }));
    }
  }
});

describe('a recipient', () => {
  it('may be a PEM file', () =>
    withFolder(async (folder) => {
      const { certificate } = await makeRecipient(folder);
      const pem = await openssl('x509', '-inform', 'DER', '-in', certificate);
      const fromPem = await recipientFrom(Buffer.from(pem), 'x.pem', new Date());
      assert.equal(fromPem.sha256, (await readRecipient(certificate, new Date())).sha256);
    }));

  const refused: [string, string, string | null, string[], number][] = [
    ['without key encipherment', 'recipient-unsuitable', 'keyUsage=digitalSignature', ['rsa:2048'], 0],
    ['with key agreement only', 'recipient-unsuitable', 'keyUsage=critical,keyAgreement', ['rsa:2048'], 0],
    ['with a weak key', 'recipient-unsuitable', null, ['rsa:1024'], 0],
    ['with an EC key', 'certificate-not-rsa', null, ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 0],
    ['that has expired', 'certificate-expired', null, ['rsa:2048'], 400],
    ['that is not valid yet', 'recipient-unsuitable', null, ['rsa:2048'], -400],
  ];
  for (const [what, code, usage, key, laterByDays] of refused) {
    it(`${what} is refused: ${code}`, () =>
      withFolder(async (folder) => {
        const { certificate } = await makeRecipient(folder, usage, key);
        const then = new Date(Date.now() + laterByDays * 86_400_000);
        await assert.rejects(readRecipient(certificate, then), { code, hint: /--seal-to/, message: /recipient\.cer/ });
      }));
  }

  it('that is no certificate, or is a private key, or is not there, is refused', () =>
    withFolder(async (folder) => {
      const { key } = await makeRecipient(folder);
      const text = join(folder, 'text');
      await writeFile(text, 'no certificate');
      await assert.rejects(readRecipient(text, new Date()), { code: 'invalid-certificate' });
      await assert.rejects(readRecipient(key, new Date()), { code: 'private-key-in-certificate' });
      await assert.rejects(readRecipient(join(folder, 'nowhere'), new Date()), { code: 'file-unreadable' });
    }));
});
