import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HashName, issueCertificate } from '../../src/certificate/issue.ts';
import { describeCertificate } from '../../src/certificate/x509/describe.ts';
import { anyIssued, issueRequest, openssl, withFolder } from './support.ts';

describe('issueCertificate', () => {
  it('makes a certificate that its own key signed', async () => {
    const { certificate, privateKey } = await anyIssued();
    const read = new X509Certificate(certificate);
    assert.ok(read.verify(read.publicKey));
    assert.ok(read.checkPrivateKey(privateKey));
    assert.equal(read.issuer, read.subject);
    assert.equal(read.ca, false);
    assert.equal(read.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
    assert.equal(read.publicKey.asymmetricKeyDetails?.publicExponent, 65537n);
  });

  it('has the extensions, as OpenSSL reads them, and passes for a certificate for signing', async () => {
    const { certificate } = await anyIssued();
    await withFolder(async (folder) => {
      const pem = join(folder, 'certificate.pem');
      await writeFile(pem, new X509Certificate(certificate).toString());
      const text = await openssl('x509', '-in', pem, '-noout', '-text');
      assert.match(text, /Version: 3 \(0x2\)/);
      assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
      assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
      assert.match(text, /Subject Key Identifier:\s+([0-9A-F]{2}:){19}[0-9A-F]{2}\n/);
      assert.match(await openssl('verify', '-x509_strict', '-CAfile', pem, pem), /: OK/);
    });
  });

  it('is valid from five minutes ago until the end of the given time', async () => {
    const now = new Date('2040-02-29T12:00:00.750Z');
    const { certificate } = await issueCertificate(issueRequest({ now, validForMs: 10 * 365 * 86_400_000 }));
    const facts = describeCertificate(certificate);
    assert.ok(facts.kind === 'certificate');
    assert.equal(facts.notBefore.toISOString(), '2040-02-29T11:55:00.000Z');
    assert.equal(facts.notAfter.toISOString(), '2050-02-26T12:00:00.000Z');
    assert.equal(new X509Certificate(certificate).validTo, 'Feb 26 12:00:00 2050 GMT');
    assert.ok(certificate.includes('400229115500Z'), 'UTCTime up to 2049');
    assert.ok(certificate.includes('20500226120000Z'), 'GeneralizedTime from 2050 on');
  });

  it('refuses a validity that X.509 cannot say', async () => {
    const now = new Date('9999-12-31T23:59:58Z');
    for (const validForMs of [2000, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(issueCertificate(issueRequest({ now, validForMs })), { code: 'usage' }, String(validForMs));
    }
    const { certificate } = await issueCertificate(issueRequest({ now, validForMs: 1000 }));
    assert.ok(certificate.includes('99991231235959Z'));
  });

  it('signs with the hash that was asked for', async () => {
    const expected: Record<HashName, string> = {
      sha1: 'sha1WithRSAEncryption',
      sha256: 'sha256WithRSAEncryption',
      sha384: 'sha384WithRSAEncryption',
      sha512: 'sha512WithRSAEncryption',
    };
    for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
      const { certificate } = await issueCertificate(issueRequest({ hash }));
      const facts = describeCertificate(certificate);
      assert.equal(facts.kind === 'certificate' && facts.signatureAlgorithm, expected[hash]);
      const read = new X509Certificate(certificate);
      assert.ok(read.verify(read.publicKey), hash);
    }
  });

  it('makes keys of the size that was asked for', async () => {
    const { certificate } = await issueCertificate(issueRequest({ keySize: 3072 }));
    const facts = describeCertificate(certificate);
    assert.equal(facts.kind === 'certificate' && facts.keyBits, 3072);
  });

  it('gives every certificate a serial number and a key of its own', async () => {
    const issued = await Promise.all(Array.from({ length: 4 }, () => issueCertificate(issueRequest())));
    const serials = issued.map(({ certificate }) => new X509Certificate(certificate).serialNumber);
    assert.equal(new Set(serials).size, 4);
    for (const serial of serials) assert.match(serial, /^[0-9A-F]{16}$/);
    const keys = issued.map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex'));
    assert.equal(new Set(keys).size, 4);
  });

  it('does not begin to make a key when the subject is refused', async () => {
    await assert.rejects(issueCertificate(issueRequest({ account: 'alice' })), { code: 'invalid-subject' });
  });
});
