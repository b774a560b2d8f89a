import { createDecipheriv } from 'node:crypto';
import type { AttributeTypeAndValue, Certificate, EnvelopedData, RecipientInfo } from 'pkijs';
import { MsmqCertError } from '../../errors.ts';
import { attributeNames } from '../names.ts';
import { formatName } from '../subject.ts';
import { AES256_CBC, ENVELOPED_DATA, type SealPadding } from './envelope.ts';

type Pki = typeof import('pkijs');

/** One certificate whose key opens a sealed file. */
export interface SealedTo {
  /** Whether a certificate (DER) is the one that is named. */
  isFor(certificate: Buffer): boolean;
  /** The certificate in words, for errors. */
  name: string;
  padding: SealPadding;
  /** The content key, encrypted for it. */
  encryptedKey: Buffer;
}

/** What can be read of a sealed file without a key. */
export interface Sealed {
  sealedTo: SealedTo[];
  /**
   * @param contentKey as the key of a recipient decrypts it
   * @throws MsmqCertError invalid-sealed
   */
  open(contentKey: Buffer): Buffer;
}

const RSA = '1.2.840.113549.1.1.1';
const RSA_OAEP = '1.2.840.113549.1.1.7';
const SHA1 = '1.3.14.3.2.26';
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
/** 1.2.840.113549.1.7.3 */
const ENVELOPED_DATA_DER = Buffer.from('06092a864886f70d010703', 'hex');
/** Behind the head of the outermost SEQUENCE. */
const TYPE_ENDS_BY = 24;

/** Whether a file begins as what `seal` makes, or is named so. */
export function isSealed(bytes: Buffer, file: string): boolean {
  return /\.p7m$/i.test(file) || bytes.subarray(0, TYPE_ENDS_BY).includes(ENVELOPED_DATA_DER);
}

/**
 * Reads CMS EnvelopedData (RFC 5652 §6) in DER or BER, with RSA recipients and AES-256-CBC.
 * @param source names the file in errors
 * @throws MsmqCertError invalid-sealed
 */
export async function readSealed(bytes: Buffer, source: string): Promise<Sealed> {
  const pki = await import('pkijs');
  const envelope = parse(pki, bytes, source);
  const { encryptedContentInfo: content } = envelope;
  const { algorithmId, algorithmParams } = content.contentEncryptionAlgorithm;
  if (algorithmId !== AES256_CBC) throw invalid(source, 'its content is not encrypted with AES-256-CBC');
  const sealedTo = readable(source, () => envelope.recipientInfos.flatMap((each) => recipientIn(pki, each)));
  if (sealedTo.length === 0) throw invalid(source, 'no recipient has RSA with OAEP and SHA-1, or with PKCS #1 v1.5');
  return {
    sealedTo,
    open: (contentKey) => {
      try {
        const iv = Buffer.from(algorithmParams.valueBlock.valueHexView);
        const decipher = createDecipheriv('aes-256-cbc', contentKey, iv);
        return Buffer.concat([decipher.update(Buffer.from(content.getEncryptedContent())), decipher.final()]);
      } catch {
        // without the cause: what OpenSSL says about a key is nobody's business
        throw invalid(source, 'what is in it does not decrypt');
      }
    },
  };
}

function parse(pki: Pki, bytes: Buffer, source: string): EnvelopedData {
  const { contentType, content } = readable(source, () => pki.ContentInfo.fromBER(bytes));
  if (contentType !== ENVELOPED_DATA) throw invalid(source, 'it is another kind of CMS message');
  return readable(source, () => new pki.EnvelopedData({ schema: content }));
}

function readable<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw invalid(source, 'it is damaged');
  }
}

function recipientIn(pki: Pki, { value }: RecipientInfo): SealedTo[] {
  if (!(value instanceof pki.KeyTransRecipientInfo)) return [];
  const { rid, keyEncryptionAlgorithm, encryptedKey } = value;
  const padding = paddingOf(pki, keyEncryptionAlgorithm);
  if (padding === null) return [];
  const rest = { padding, encryptedKey: Buffer.from(encryptedKey.valueBlock.valueHexView) };
  if (!(rid instanceof pki.IssuerAndSerialNumber)) {
    const identifier = Buffer.from(rid.valueBlock.valueHexView);
    const name = `the certificate with the subject key identifier ${identifier.toString('hex')}`;
    return [{ ...rest, name, isFor: matching(pki, (each) => keyIdentifier(each)?.equals(identifier) ?? false) }];
  }
  const issuer = Buffer.from(rid.issuer.valueBeforeDecode);
  const serial = Buffer.from(rid.serialNumber.valueBlock.valueHexView);
  const name = `the certificate with serial number ${serial.toString('hex').toUpperCase()} of ${nameIn(rid.issuer.typesAndValues)}`;
  const isFor = matching(
    pki,
    (each) =>
      Buffer.from(each.issuer.valueBeforeDecode).equals(issuer) &&
      Buffer.from(each.serialNumber.valueBlock.valueHexView).equals(serial),
  );
  return [{ ...rest, name, isFor }];
}

/** What a store holds besides is not ours, and may be anything. */
function matching(pki: Pki, matches: (certificate: Certificate) => boolean): SealedTo['isFor'] {
  return (der) => {
    try {
      return matches(pki.Certificate.fromBER(der));
    } catch {
      return false;
    }
  };
}

/** Null for what CryptoAPI does not know. */
function paddingOf(
  pki: Pki,
  { algorithmId, algorithmParams }: { algorithmId: string; algorithmParams?: unknown },
): SealPadding | null {
  if (algorithmId === RSA) return 'pkcs1';
  if (algorithmId !== RSA_OAEP) return null;
  const parameters = new pki.RSAESOAEPParams({ schema: algorithmParams });
  const { hashAlgorithm, maskGenAlgorithm, pSourceAlgorithm } = parameters;
  const maskHash = maskGenAlgorithm.algorithmParams?.valueBlock.value[0]?.valueBlock.toString();
  const hasLabel =
    // which pkijs takes for one when there is none
    !pSourceAlgorithm.isEqual(pki.RSAESOAEPParams.defaultValues('pSourceAlgorithm')) &&
    pSourceAlgorithm.algorithmParams?.valueBlock.valueHexView.length !== 0;
  return hashAlgorithm.algorithmId === SHA1 && maskHash === SHA1 && !hasLabel ? 'oaep' : null;
}

function keyIdentifier({ extensions }: Certificate): Buffer | null {
  const extension = extensions?.find(({ extnID }) => extnID === SUBJECT_KEY_IDENTIFIER);
  // DER: OCTET STRING, length, then the identifier
  return extension === undefined ? null : Buffer.from(extension.extnValue.valueBlock.valueHexView).subarray(2);
}

function nameIn(attributes: readonly AttributeTypeAndValue[]): string {
  return formatName(
    attributes.map(({ type, value }) => [
      { type: attributeNames.get(type) ?? type, value: String(value.valueBlock.value) },
    ]),
  );
}

function invalid(source: string, why: string): MsmqCertError {
  return new MsmqCertError('invalid-sealed', `${source} cannot be opened: ${why}`, {
    hint: 'bring the file from where msmq-cert sealed it once more; it must arrive byte for byte',
  });
}
