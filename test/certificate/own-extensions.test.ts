import assert from 'node:assert/strict';
import { issueCertificate } from '../../src/certificate/issue.ts';
import { hasOwnExtensions, ownExtensions } from '../../src/certificate/own-extensions.ts';
import { issueRequest } from './support.ts';

describe('the extensions of our own certificates', () => {
  it('are known, whatever the size of the key and whichever was seen before', async () => {
    const small = (await issueCertificate(issueRequest({ keySize: 2048 }))).certificate;
    const large = (await issueCertificate(issueRequest({ keySize: 3072 }))).certificate;
    for (const each of [small, large, small, small]) assert.ok(hasOwnExtensions(each));
  });

  it('are not seen where one bit differs, or the certificate ends before', async () => {
    const { certificate } = await issueCertificate(issueRequest());
    assert.ok(hasOwnExtensions(certificate));
    const start = certificate.indexOf(ownExtensions);
    for (let index = start; index < start + ownExtensions.length; index++) {
      const other = Buffer.from(certificate);
      other.writeUInt8(other.readUInt8(index) ^ 1, index);
      assert.equal(hasOwnExtensions(other), false, String(index));
    }
    assert.equal(hasOwnExtensions(certificate.subarray(0, start + ownExtensions.length - 1)), false);
    assert.equal(hasOwnExtensions(Buffer.alloc(0)), false);
  });
});
