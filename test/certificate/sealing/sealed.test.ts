import assert from 'node:assert/strict';
import { constants, createPrivateKey, privateDecrypt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SealPadding, seal } from '../../../src/certificate/sealing/envelope.ts';
import { readRecipient } from '../../../src/certificate/sealing/recipient.ts';
import { isSealed, readSealed, type Sealed } from '../../../src/certificate/sealing/sealed.ts';
import { MsmqCertError } from '../../../src/errors.ts';
import { openssl, withFolder } from '../support.ts';
import { makeRecipient, type RecipientFiles } from './support.ts';

const paddings = { oaep: constants.RSA_PKCS1_OAEP_PADDING, pkcs1: constants.RSA_PKCS1_PADDING } as const;

/** What the key store of Windows does with the recipient's key. */
async function openWith({ certificate, key }: RecipientFiles, sealed: Sealed): Promise<Buffer> {
  const der = await readFile(certificate);
  const to = sealed.sealedTo.find((each) => each.isFor(der));
  assert.ok(to);
  const privateKey = createPrivateKey(await readFile(key));
  return sealed.open(privateDecrypt({ key: privateKey, padding: paddings[to.padding] }, to.encryptedKey));
}

async function sealedFile(folder: string, padding: SealPadding = 'oaep') {
  const files = await makeRecipient(folder);
  const recipient = await readRecipient(files.certificate, new Date());
  return { files, bytes: await seal(Buffer.from('geheim'), { recipient, padding }) };
}

describe('opening a sealed file', () => {
  for (const padding of ['oaep', 'pkcs1'] as SealPadding[]) {
    it(`gives what was sealed with ${padding}`, () =>
      withFolder(async (folder) => {
        const { files, bytes } = await sealedFile(folder, padding);
        assert.ok(isSealed(bytes, 'x.pfx'));
        assert.equal((await openWith(files, await readSealed(bytes, 'x'))).toString(), 'geheim');
      }));

    for (const more of [[], ['-keyid'], ['-stream', '-indef']]) {
      it(`gives what openssl made with ${[padding, ...more].join(' ')}`, () =>
        withFolder(async (folder) => {
          const files = await makeRecipient(folder);
          const [pem, plain, made] = ['r.pem', 'plain', 'made.p7m'].map((name) => join(folder, name)) as [
            string,
            string,
            string,
          ];
          await writeFile(pem, await openssl('x509', '-inform', 'DER', '-in', files.certificate));
          await writeFile(plain, Buffer.alloc(5000, 'x'));
          await openssl(
            ...['cms', '-encrypt', '-binary', '-aes-256-cbc', '-in', plain, '-outform', 'DER', '-out', made, ...more],
            ...['-recip', pem, ...(padding === 'oaep' ? ['-keyopt', 'rsa_padding_mode:oaep'] : [])],
          );
          const sealed = await readSealed(await readFile(made), 'x');
          assert.deepEqual(await openWith(files, sealed), Buffer.alloc(5000, 'x'));
        }));
    }
  }

  it('names the certificate that is wanted, and knows no other for it', () =>
    withFolder(async (folder) => {
      const { files, bytes } = await sealedFile(folder);
      const serial = await openssl('x509', '-inform', 'DER', '-in', files.certificate, '-noout', '-serial');
      const [to] = (await readSealed(bytes, 'x')).sealedTo;
      assert.equal(to?.name, `the certificate with serial number ${serial.trim().replace('serial=', '')} of CN=vault`);
      const { files: others } = await sealedFile(folder);
      assert.equal(to?.isFor(await readFile(others.certificate)), false);
      assert.equal(to?.isFor(Buffer.from('no certificate')), false);
    }));

  it('refuses a file that was cut off, and says of one with an altered byte nothing else', () =>
    withFolder(async (folder) => {
      const { files, bytes } = await sealedFile(folder);
      for (let at = 0; at < bytes.length; at += 7) {
        const cutOff = readSealed(bytes.subarray(0, at), 'x.p7m').then((sealed) => openWith(files, sealed));
        await assert.rejects(cutOff, { code: 'invalid-sealed' });
        const error = await readSealed(flipped(bytes, at), 'x.p7m').catch((thrown: unknown) => thrown);
        if (error instanceof Error) assert.ok(error instanceof MsmqCertError && error.code === 'invalid-sealed');
      }
    }));

  it('refuses what is none', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('geheim'), Buffer.from('300b06092a864886f70d010701', 'hex')])
      await assert.rejects(readSealed(bytes, 'x.p7m'), { code: 'invalid-sealed', message: /x\.p7m/, hint: /./ });
  });

  it('refuses a content key that is none', () =>
    withFolder(async (folder) => {
      const { bytes } = await sealedFile(folder);
      const sealed = await readSealed(bytes, 'x');
      assert.throws(() => sealed.open(Buffer.alloc(16)), { code: 'invalid-sealed' });
      assert.throws(() => sealed.open(Buffer.alloc(32)), { code: 'invalid-sealed' });
    }));

  it('refuses padding and ciphers that CryptoAPI does not know', () =>
    withFolder(async (folder) => {
      const files = await makeRecipient(folder);
      const [pem, made] = [join(folder, 'r.pem'), join(folder, 'made.p7m')];
      await writeFile(pem, await openssl('x509', '-inform', 'DER', '-in', files.certificate));
      const make = (cipher: string, ...options: string[]) =>
        openssl(
          ...['cms', '-encrypt', '-binary', cipher, '-in', pem, '-outform', 'DER', '-out', made, '-recip', pem],
          ...options,
        );
      await make('-aes-256-cbc', '-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256');
      await assert.rejects(readSealed(await readFile(made), 'x'), { code: 'invalid-sealed', message: /SHA-1/ });
      await make('-aes-128-cbc');
      await assert.rejects(readSealed(await readFile(made), 'x'), { code: 'invalid-sealed', message: /AES-256-CBC/ });
    }));
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
  return copy;
}
