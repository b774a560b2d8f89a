import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tlsServerEndPoint } from '../../../../src/directory/active-directory/connect/channel-binding.ts';
import { openssl } from '../../../certificate/support.ts';

const RSA = ['-newkey', 'rsa:2048'];
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const PSS = ['-sigopt', 'rsa_padding_mode:pss'];

describe('the channel binding of a TLS connection', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-binding-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const cases: [signature: string, words: string[], hash: string][] = [
    ['RSA with SHA-1', [...RSA, '-sha1'], 'sha256'],
    ['RSA with SHA-256', [...RSA, '-sha256'], 'sha256'],
    ['RSA with SHA-384', [...RSA, '-sha384'], 'sha384'],
    ['RSA with SHA-512', [...RSA, '-sha512'], 'sha512'],
    ['RSASSA-PSS with SHA-256', [...RSA, '-sha256', ...PSS], 'sha256'],
    ['RSASSA-PSS with SHA-512', [...RSA, '-sha512', ...PSS], 'sha512'],
    ['ECDSA with SHA-256', [...EC, '-sha256'], 'sha256'],
    ['ECDSA with SHA-384', [...EC, '-sha384'], 'sha384'],
    ['ECDSA with SHA-512', [...EC, '-sha512'], 'sha512'],
    ['Ed25519, which names no hash', ['-newkey', 'ed25519'], 'sha256'],
  ];
  for (const [signature, words, hash] of cases) {
    it(`is the ${hash} of a certificate signed by ${signature}`, async () => {
      const file = join(folder, 'certificate.pem');
      const key = join(folder, 'key.pem');
      await openssl('req', '-x509', '-nodes', '-subj', '/CN=dc1', ...words, '-keyout', key, '-out', file);
      const fingerprint = await openssl('x509', '-in', file, '-noout', '-fingerprint', `-${hash}`);
      const binding = tlsServerEndPoint(new X509Certificate(await readFile(file)));
      assert.equal(binding.subarray(0, 21).toString(), 'tls-server-end-point:');
      const hex = fingerprint.trim().replace(/^.*=/, '').replaceAll(':', '').toLowerCase();
      assert.equal(binding.subarray(21).toString('hex'), hex);
    });
  }
});
