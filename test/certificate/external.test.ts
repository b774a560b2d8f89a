import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readExternalCertificate } from '../../src/certificate/external.ts';
import { buildPfx } from '../../src/certificate/pkcs12/pkcs12.ts';
import { explicit, identifier, octets, sequence } from '../../src/certificate/x509/asn1.ts';
import { anyIssued, unsigned, withFolder } from './support.ts';

const now = new Date();

function pem(der: Buffer): string {
  return new X509Certificate(der).toString();
}

function refuses(input: Buffer | string, code: string, what = code): void {
  const read = (): Buffer => readExternalCertificate(Buffer.from(input), 'user.cer', now);
  assert.throws(read, (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && 'hint' in error, what);
    assert.equal(error.code, code, what);
    assert.match(error.message, /user\.cer/);
    assert.ok(error.hint);
    return true;
  });
}

describe('readExternalCertificate', () => {
  it('gives the DER bytes of a DER or PEM file, unchanged', async () => {
    const { certificate } = await anyIssued();
    const text = pem(certificate);
    const forms = [
      certificate,
      text,
      text.replaceAll('\n', '\r\n'),
      `\ufeff${text}`,
      `Bag Attributes\n  x: y\n${text}\n`,
    ];
    for (const form of forms)
      assert.deepEqual(readExternalCertificate(Buffer.from(form), 'user.cer', now), certificate);
  });

  it('refuses a private key in every wrapping', async () => {
    const { certificate, privateKey } = await anyIssued();
    const exported = (type: 'pkcs8' | 'pkcs1', format: 'pem' | 'der', passphrase?: string): Buffer | string => {
      const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
      return format === 'pem'
        ? privateKey.export({ type, format, ...encryption })
        : privateKey.export({ type, format, ...encryption });
    };
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const pfx = buildPfx({ certificate, privateKey, passphrase: 'x', friendlyName: 'x', encryption: 'AES256_SHA256' });
    const wrappings = {
      'PKCS #8 DER': exported('pkcs8', 'der'),
      'PKCS #1 DER': exported('pkcs1', 'der'),
      'encrypted PKCS #8 DER': exported('pkcs8', 'der', 'x'),
      'SEC 1 DER': ec.export({ type: 'sec1', format: 'der' }),
      'PKCS #8 PEM': exported('pkcs8', 'pem'),
      'encrypted PEM': exported('pkcs8', 'pem', 'x'),
      'PEM after the certificate': pem(certificate) + exported('pkcs1', 'pem'),
      'PEM before the certificate': exported('pkcs8', 'pem') + pem(certificate),
      'a key that says it is a certificate': String(exported('pkcs8', 'pem')).replaceAll('PRIVATE KEY', 'CERTIFICATE'),
      PFX: pfx,
      'PFX with indefinite lengths': Buffer.concat([Buffer.from('3080020103', 'hex'), pfx.subarray(7)]),
      PVK: Buffer.from('1ef1b5b000000000', 'hex'),
    };
    for (const [what, input] of Object.entries(wrappings)) refuses(input, 'private-key-in-certificate', what);
  });

  it('refuses what is no certificate', async () => {
    const { certificate } = await anyIssued();
    const text = pem(certificate);
    refuses('', 'invalid-certificate', 'an empty file');
    refuses('hello', 'invalid-certificate', 'text');
    refuses(text + text, 'invalid-certificate', 'two certificates');
    refuses(text.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'invalid-certificate', 'a request');
    refuses(text.replace('-----END', '----END'), 'invalid-certificate', 'no end line');
    refuses(Buffer.concat([certificate, Buffer.of(0)]), 'invalid-certificate', 'a byte too many');
    refuses(certificate.subarray(0, -1), 'invalid-certificate', 'a byte too few');
  });

  it('refuses an expired certificate from its last second on', async () => {
    const { certificate } = await anyIssued();
    const end = new X509Certificate(certificate).validToDate.getTime();
    readExternalCertificate(certificate, 'user.cer', new Date(end - 1000));
    assert.throws(() => readExternalCertificate(certificate, 'user.cer', new Date(end)), {
      code: 'certificate-expired',
    });
  });

  it('refuses a certificate that a message cannot carry', () => {
    const filled = (bytes: number): Buffer =>
      unsigned({ rest: [explicit(3, sequence(sequence(identifier('1.2.3'), octets(Buffer.alloc(bytes)))))] });
    const overhead = filled(65_000).length - 65_000;
    assert.equal(filled(65_535 - overhead).length, 65_535);
    assert.doesNotThrow(() => readExternalCertificate(filled(65_535 - overhead), 'user.cer', new Date('2025-01-01')));
    refuses(filled(65_536 - overhead), 'certificate-too-large');
  });

  it('refuses a key that is not RSA', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'ec.cer');
      const options = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        join(folder, 'key'),
        '-subj',
        '/CN=x',
        '-outform',
        'DER',
        '-out',
        file,
      ];
      execFileSync('openssl', ['req', '-x509', ...options], { stdio: 'ignore' });
      refuses(await readFile(file), 'certificate-not-rsa');
    });
  });
});
