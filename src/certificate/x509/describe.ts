import { attributeNames, type NameAttribute, type RelativeName } from '../names.ts';
import {
  atEnd,
  BIT_STRING,
  BOOLEAN,
  byteAt,
  type DerElement,
  DerError,
  type DerWalk,
  enter,
  finish,
  INTEGER,
  leave,
  nextTag,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
  SET,
  step,
  stepOver,
  walkOver,
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
  const walk = walkOver(der);
  stepOver(walk, SEQUENCE, 'certificate');
  finish(walk, 'certificate');
  enter(walk);
  stepOver(walk, SEQUENCE, 'certificate body');
  const outer = enter(walk);
  const { subject, issuer, serialNumber, notBefore, notAfter, keyAlgorithm, keyBits } = readBody(walk);
  leave(walk, outer);
  const signatureAlgorithm = readAlgorithm(walk);
  demandBits(stepOver(walk, BIT_STRING, 'signature'));
  finish(walk, 'signature');
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

function readBody(walk: DerWalk): Body {
  if (nextTag(walk) === VERSION) readVersion(walk);
  const serialNumber = integerHex(stepOver(walk, INTEGER, 'serial number'));
  readAlgorithm(walk);
  const { offset, end } = stepOver(walk, SEQUENCE, 'name');
  const issuer = readName(walk);
  stepOver(walk, SEQUENCE, 'validity');
  const outer = enter(walk);
  const notBefore = dateOf(step(walk));
  const notAfter = dateOf(step(walk));
  finish(walk, 'validity');
  leave(walk, outer);
  const name = stepOver(walk, SEQUENCE, 'name');
  const isSame = walk.bytes.compare(walk.bytes, offset, end, name.offset, name.end) === 0;
  const subject = isSame ? issuer : readName(walk);
  const { keyAlgorithm, keyBits } = readKey(walk);
  if (nextTag(walk) === ISSUER_UNIQUE_ID) demandBits(step(walk));
  if (nextTag(walk) === SUBJECT_UNIQUE_ID) demandBits(step(walk));
  if (nextTag(walk) === EXTENSIONS) readExtensions(walk);
  finish(walk, 'certificate body');
  return { subject, issuer, serialNumber, notBefore, notAfter, keyAlgorithm, keyBits };
}

function readVersion(walk: DerWalk): void {
  step(walk);
  const outer = enter(walk);
  const { bytes, start, end } = stepOver(walk, INTEGER, 'version');
  if (end - start !== 1 || byteAt(bytes, start) > 2) throw new DerError(`unknown version at byte ${start}`);
  finish(walk, 'version');
  leave(walk, outer);
}

/** AlgorithmIdentifier: the parameters may be anything, or not be there. */
function readAlgorithm(walk: DerWalk): string {
  stepOver(walk, SEQUENCE, 'algorithm');
  const outer = enter(walk);
  const name = nameOfAlgorithm(stepOver(walk, OBJECT_IDENTIFIER, 'algorithm identifier'));
  if (!atEnd(walk)) step(walk);
  finish(walk, 'algorithm');
  leave(walk, outer);
  return name;
}

/** The name is the element that was read last. */
function readName(walk: DerWalk): RelativeName[] {
  const outer = enter(walk);
  const names: RelativeName[] = [];
  while (!atEnd(walk)) names.push(readRelativeName(walk));
  leave(walk, outer);
  return names;
}

function readRelativeName(walk: DerWalk): NameAttribute[] {
  stepOver(walk, SET, 'relative distinguished name');
  const outer = enter(walk);
  const attributes: NameAttribute[] = [];
  do {
    stepOver(walk, SEQUENCE, 'name attribute');
    const rest = enter(walk);
    const type = nameOfAttribute(stepOver(walk, OBJECT_IDENTIFIER, 'attribute type'));
    const value = textOf(step(walk));
    finish(walk, 'name attribute');
    leave(walk, rest);
    attributes.push({ type, value });
  } while (!atEnd(walk));
  leave(walk, outer);
  return attributes;
}

function readKey(walk: DerWalk): Key {
  stepOver(walk, SEQUENCE, 'public key');
  const outer = enter(walk);
  const algorithm = readAlgorithm(walk);
  const bits = stepOver(walk, BIT_STRING, 'public key');
  finish(walk, 'public key');
  demandBits(bits);
  const isRsa = algorithm === 'rsaEncryption';
  const keyBits = isRsa ? readModulusBits(walk) : null;
  leave(walk, outer);
  return { keyAlgorithm: isRsa ? 'rsa' : 'other', keyBits };
}

/** RSAPublicKey (RFC 8017 appendix A.1.1) inside the BIT STRING, after the byte that counts unused bits. */
function readModulusBits(walk: DerWalk): number {
  const outer = enter(walk, 1);
  stepOver(walk, SEQUENCE, 'RSA key');
  finish(walk, 'RSA key');
  const content = enter(walk);
  const modulusBits = positiveIntegerBits(stepOver(walk, INTEGER, 'modulus'));
  positiveIntegerBits(stepOver(walk, INTEGER, 'exponent'));
  finish(walk, 'RSA key');
  leave(walk, content);
  leave(walk, outer);
  return modulusBits;
}

function readExtensions(walk: DerWalk): void {
  step(walk);
  const outer = enter(walk);
  stepOver(walk, SEQUENCE, 'extensions');
  finish(walk, 'extensions');
  const explicit = enter(walk);
  do {
    stepOver(walk, SEQUENCE, 'extension');
    const list = enter(walk);
    demandIdentifier(stepOver(walk, OBJECT_IDENTIFIER, 'extension identifier'));
    if (nextTag(walk) === BOOLEAN) step(walk);
    stepOver(walk, OCTET_STRING, 'extension value');
    finish(walk, 'extension');
    leave(walk, list);
  } while (!atEnd(walk));
  leave(walk, explicit);
  leave(walk, outer);
}

/** A BIT STRING begins with the number of unused bits in its last byte, and here is never empty. */
function demandBits({ bytes, start, end }: DerElement): void {
  if (end - start < 2 || byteAt(bytes, start) > 7) throw new DerError(`bit string at byte ${start} is not valid`);
}

const nameOfAlgorithm = identifierNames(algorithmNames);
const nameOfAttribute = identifierNames(attributeNames);
