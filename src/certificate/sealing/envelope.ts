import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { Recipient } from './recipient.ts';

/** How the content key is wrapped. `oaep` is RSAES-OAEP with SHA-1, the only hash that CryptoAPI knows for it. */
export type SealPadding = 'oaep' | 'pkcs1';

/** Whom something is sealed to, and how. */
export interface Sealing {
  recipient: Recipient;
  padding: SealPadding;
}

const DATA = '1.2.840.113549.1.7.1';
export const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
export const AES256_CBC = '2.16.840.1.101.3.4.1.42';
const paddings = { oaep: constants.RSA_PKCS1_OAEP_PADDING, pkcs1: constants.RSA_PKCS1_PADDING } as const;

/**
 * Content that only the recipient can open: CMS EnvelopedData (RFC 5652 §6) with AES-256-CBC, as DER. It hides and does
 * not vouch: whoever has the recipient's certificate can make one.
 */
export async function seal(content: Uint8Array, { recipient, padding }: Sealing): Promise<Buffer> {
  // more than half a megabyte that only a run with --seal-to needs
  const [pki, asn1] = await Promise.all([import('pkijs'), import('asn1js')]);
  const key = randomBytes(32);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
  const octets = (bytes: Uint8Array) => new asn1.OctetString({ valueHex: new Uint8Array(bytes).buffer });

  const envelope = new pki.EnvelopedData({
    version: 0,
    encryptedContentInfo: new pki.EncryptedContentInfo({
      contentType: DATA,
      contentEncryptionAlgorithm: new pki.AlgorithmIdentifier({
        algorithmId: AES256_CBC,
        algorithmParams: octets(iv),
      }),
      encryptedContent: octets(encrypted),
      disableSplit: true,
    }),
  });
  const certificate = pki.Certificate.fromBER(recipient.certificate);
  envelope.addRecipientByCertificate(certificate, { useOAEP: padding === 'oaep', oaepHashAlgorithm: 'SHA-1' });
  const [info] = envelope.recipientInfos;
  if (!(info?.value instanceof pki.KeyTransRecipientInfo)) throw new Error('the recipient has no RSA key');
  info.value.encryptedKey = octets(publicEncrypt({ key: recipient.publicKey, padding: paddings[padding] }, key));
  const sealed = new pki.ContentInfo({ contentType: ENVELOPED_DATA, content: envelope.toSchema() });
  return Buffer.from(sealed.toSchema().toBER(false));
}
