import { attributeNames, type NameAttribute, type RelativeName } from '../names.ts';
import {
  atEnd,
  BIT_STRING,
  BOOLEAN,
  byteAt,
  type DerElement,
  DerError,
  type DerReader,
  expect,
  finish,
  INTEGER,
  inside,
  next,
  nextTag,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  reader,
  SEQUENCE,
  SET,
  sameBytes,
} from './der.ts';
import { dateOf, demandIdentifier, identifierNames, integerHex, positiveIntegerBits, textOf } from './der-values.ts';

/** What can be read from a certificate without trusting it. */
export interface DescribedCertificate {
  kind: 'certificate';
  /** In encoding order. */
  subject: RelativeName[];
  /** The very same object as the subject when their bytes are equal, as in a self-signed certificate. */
  issuer: RelativeName[];
  /** As `openssl x509 -serial` prints it: capital hexadecimal, two digits a byte, `-` when negative. */
  serialNumber: string;
  notBefore: Date;
  notAfter: Date;
  keyAlgorithm: 'rsa' | 'other';
  /** Bits of the RSA modulus; null for another kind of key. */
  keyBits: number | null;
  /** Such as sha256WithRSAEncryption; the dotted object identifier when it has no name here. */
  signatureAlgorithm: string;
}

export type CertificateFacts = DescribedCertificate | { kind: 'not-a-certificate'; reason: string };

type Body = Omit<DescribedCertificate, 'kind' | 'signatureAlgorithm'>;
type Key = Pick<DescribedCertificate, 'keyAlgorithm' | 'keyBits'>;

const VERSION = 0xa0;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const EXTENSIONS = 0xa3;

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

const algorithmNames: ReadonlyMap<string, string> = new Map([
  [RSA_ENCRYPTION, 'rsaEncryption'],
  ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
  ['1.2.840.113549.1.1.3', 'md4WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
  ['1.3.14.3.2.29', 'sha1WithRSA'],
  ['1.2.840.113549.1.1.10', 'rsassaPss'],
  ['1.2.840.113549.1.1.11', 'sha256WithRSAEncryption'],
  ['1.2.840.113549.1.1.12', 'sha384WithRSAEncryption'],
  ['1.2.840.113549.1.1.13', 'sha512WithRSAEncryption'],
  ['1.2.840.113549.1.1.14', 'sha224WithRSAEncryption'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ['1.2.840.10045.4.3.2', 'ecdsa-with-SHA256'],
  ['1.2.840.10045.4.3.3', 'ecdsa-with-SHA384'],
  ['1.2.840.10045.4.3.4', 'ecdsa-with-SHA512'],
]);

/**
 * Reads an X.509 certificate (RFC 5280 §4.1) by walking all of it as strict DER down to the signature; every length must
 * fit exactly. Never throws. Takes a few microseconds, for audits over tens of thousands of certificates.
 */
export function describeCertificate(der: Uint8Array): CertificateFacts {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { kind: 'not-a-certificate', reason: error.message };
  }
}

function readCertificate(der: Uint8Array): DescribedCertificate {
  const whole = reader(der);
  const parts = inside(expect(whole, SEQUENCE, 'certificate'));
  finish(whole, 'certificate');
  const body = readBody(inside(expect(parts, SEQUENCE, 'certificate body')));
  const signatureAlgorithm = readAlgorithm(parts);
  demandBits(expect(parts, BIT_STRING, 'signature'));
  finish(parts, 'signature');
  const { subject, issuer, serialNumber, notBefore, notAfter, keyAlgorithm, keyBits } = body;
  return {
    kind: 'certificate',
    subject,
    issuer,
    serialNumber,
    notBefore,
    notAfter,
    keyAlgorithm,
    keyBits,
    signatureAlgorithm,
  };
}

function readBody(body: DerReader): Body {
  if (nextTag(body) === VERSION) readVersion(inside(next(body)));
  const serialNumber = integerHex(expect(body, INTEGER, 'serial number'));
  readAlgorithm(body);
  const issuerName = expect(body, SEQUENCE, 'name');
  const issuer = readName(issuerName);
  const validity = inside(expect(body, SEQUENCE, 'validity'));
  const notBefore = dateOf(next(validity));
  const notAfter = dateOf(next(validity));
  finish(validity, 'validity');
  const subjectName = expect(body, SEQUENCE, 'name');
  const subject = sameBytes(subjectName, issuerName) ? issuer : readName(subjectName);
  const key = readKey(inside(expect(body, SEQUENCE, 'public key')));
  if (nextTag(body) === ISSUER_UNIQUE_ID) demandBits(next(body));
  if (nextTag(body) === SUBJECT_UNIQUE_ID) demandBits(next(body));
  if (nextTag(body) === EXTENSIONS) readExtensions(inside(next(body)));
  finish(body, 'certificate body');
  const { keyAlgorithm, keyBits } = key;
  return { subject, issuer, serialNumber, notBefore, notAfter, keyAlgorithm, keyBits };
}

function readVersion(version: DerReader): void {
  const { bytes, start, end } = expect(version, INTEGER, 'version');
  if (end - start !== 1 || byteAt(bytes, start) > 2) throw new DerError(`unknown version at byte ${start}`);
  finish(version, 'version');
}

/** AlgorithmIdentifier: the parameters may be anything, or not be there. */
function readAlgorithm(from: DerReader): string {
  const algorithm = inside(expect(from, SEQUENCE, 'algorithm'));
  const name = nameOfAlgorithm(expect(algorithm, OBJECT_IDENTIFIER, 'algorithm identifier'));
  if (!atEnd(algorithm)) next(algorithm);
  finish(algorithm, 'algorithm');
  return name;
}

function readName(name: DerElement): RelativeName[] {
  const rest = inside(name);
  const names: RelativeName[] = [];
  while (!atEnd(rest)) names.push(readRelativeName(inside(expect(rest, SET, 'relative distinguished name'))));
  return names;
}

function readRelativeName(rest: DerReader): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  do {
    const attribute = inside(expect(rest, SEQUENCE, 'name attribute'));
    const type = nameOfAttribute(expect(attribute, OBJECT_IDENTIFIER, 'attribute type'));
    const value = textOf(next(attribute));
    finish(attribute, 'name attribute');
    attributes.push({ type, value });
  } while (!atEnd(rest));
  return attributes;
}

function readKey(publicKey: DerReader): Key {
  const algorithm = readAlgorithm(publicKey);
  const bits = expect(publicKey, BIT_STRING, 'public key');
  finish(publicKey, 'public key');
  demandBits(bits);
  if (algorithm !== 'rsaEncryption') return { keyAlgorithm: 'other', keyBits: null };
  return { keyAlgorithm: 'rsa', keyBits: readModulusBits(bits) };
}

/** RSAPublicKey (RFC 8017 appendix A.1.1) inside the BIT STRING, after the byte that counts unused bits. */
function readModulusBits({ bytes, start, end }: DerElement): number {
  const content = { bytes, offset: start + 1, end };
  const numbers = inside(expect(content, SEQUENCE, 'RSA key'));
  finish(content, 'RSA key');
  const modulusBits = positiveIntegerBits(expect(numbers, INTEGER, 'modulus'));
  positiveIntegerBits(expect(numbers, INTEGER, 'exponent'));
  finish(numbers, 'RSA key');
  return modulusBits;
}

function readExtensions(from: DerReader): void {
  const list = inside(expect(from, SEQUENCE, 'extensions'));
  finish(from, 'extensions');
  do {
    const extension = inside(expect(list, SEQUENCE, 'extension'));
    demandIdentifier(expect(extension, OBJECT_IDENTIFIER, 'extension identifier'));
    if (nextTag(extension) === BOOLEAN) next(extension);
    expect(extension, OCTET_STRING, 'extension value');
    finish(extension, 'extension');
  } while (!atEnd(list));
}

/** A BIT STRING begins with the number of unused bits in its last byte, and here is never empty. */
function demandBits({ bytes, start, end }: DerElement): void {
  if (end - start < 2 || byteAt(bytes, start) > 7) throw new DerError(`bit string at byte ${start} is not valid`);
}

const nameOfAlgorithm = identifierNames(algorithmNames);
const nameOfAttribute = identifierNames(attributeNames);
