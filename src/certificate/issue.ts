import { generateKeyPair, hash as hashOf, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { MsmqCertError } from '../errors.ts';
import { attributeTypes, type NameAttribute, type RelativeName } from './names.ts';
import { type SubjectTemplate, subjectFor } from './subject.ts';
import {
  bits,
  boolean,
  explicit,
  fromDer,
  ia5String,
  identifier,
  nothing,
  octets,
  positiveInteger,
  printableString,
  type Structure,
  sequence,
  setOf,
  smallInteger,
  time,
  toDer,
  utf8String,
} from './x509/asn1.ts';
import { inside, next, reader } from './x509/der.ts';

export type KeySize = 2048 | 3072 | 4096;
export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface IssueRequest {
  /** DOMAIN\sAMAccountName. */
  account: string;
  machine: string;
  subject: SubjectTemplate;
  /** Bits of the RSA modulus. */
  keySize: KeySize;
  hash: HashName;
  validForMs: number;
  now: Date;
}

export interface Issued {
  /** DER. */
  certificate: Buffer;
  privateKey: KeyObject;
}

interface Validity {
  notBefore: Date;
  notAfter: Date;
}

/** Clocks differ: a certificate that is made now must not be "not yet valid" for its receiver. */
export const BACKDATED_MS = 5 * 60 * 1000;
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59);
const SERIAL_BYTES = 8;

const signatureIdentifiers: Record<HashName, string> = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};

const stringTypes = { utf8: utf8String, printable: printableString, ia5: ia5String };

const newKeyPair = promisify(generateKeyPair);
const signNatively = promisify(sign);

/**
 * Makes an RSA key and a self-signed X.509 v3 certificate for it, valid from five minutes ago until `validForMs` from
 * now. The key is made in the libuv pool, so several calls run side by side.
 * @throws MsmqCertError invalid-subject, usage (a validity that is not positive or ends after the year 9999)
 */
export async function issueCertificate(request: IssueRequest): Promise<Issued> {
  checkRequest(request);
  const { publicKey, privateKey } = await newKeyPair('rsa', { modulusLength: request.keySize });
  const certificate = await certify(request, publicKey, (body) => signNatively(request.hash, body, privateKey));
  return { certificate, privateKey };
}

/**
 * Refuses what no certificate can be made for, before there is a key.
 * @throws MsmqCertError invalid-subject, usage
 */
export function checkRequest(request: IssueRequest): void {
  subjectFor(request.subject, request);
  validityOf(request);
}

/**
 * The same certificate for a key that is elsewhere.
 * @param signWith signs with that key, by PKCS #1 v1.5 and the hash of the request
 * @returns DER
 */
export async function certify(
  request: IssueRequest,
  publicKey: KeyObject,
  signWith: (body: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  const algorithm = sequence(identifier(signatureIdentifiers[request.hash]), nothing());
  const toBeSigned = certificateBody(subjectFor(request.subject, request), validityOf(request), publicKey, algorithm);
  const signature = await signWith(toDer(toBeSigned));
  return toDer(sequence(toBeSigned, algorithm, bits(signature)));
}

function validityOf({ now, validForMs }: IssueRequest): Validity {
  const end = now.getTime() + validForMs;
  if (!(validForMs > 0) || !(end <= LAST_MOMENT)) {
    throw new MsmqCertError('usage', `a certificate cannot be valid for ${validForMs} milliseconds from now`, {
      hint: 'give a duration that ends before the year 10000, such as --valid-for 8y',
    });
  }
  return { notBefore: new Date(now.getTime() - BACKDATED_MS), notAfter: new Date(end) };
}

/** TBSCertificate (RFC 5280 §4.1). */
function certificateBody(
  subject: readonly RelativeName[],
  { notBefore, notAfter }: Validity,
  publicKey: KeyObject,
  algorithm: Structure,
): Structure {
  const name = sequence(...subject.map((attributes) => setOf(...attributes.map(attributeOf))));
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  return sequence(
    explicit(0, smallInteger(2)),
    positiveInteger(randomSerial()),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    fromDer(publicKeyInfo),
    explicit(3, extensions(keyIdentifier(publicKeyInfo))),
  );
}

/** 64 random bits that are never zero. */
function randomSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] ||= 1;
  return serial;
}

function attributeOf({ type, value }: NameAttribute): Structure {
  const rules = attributeTypes.get(type);
  if (rules === undefined) throw new MsmqCertError('internal', `unknown attribute type ${type}`);
  return sequence(identifier(rules.oid), stringTypes[rules.encoding](value));
}

function extensions(subjectKeyIdentifier: Buffer): Structure {
  return sequence(...fixedExtensions(), extension('2.5.29.14', false, octets(subjectKeyIdentifier)));
}

function fixedExtensions(): Structure[] {
  const endEntity = sequence();
  const digitalSignatureAndKeyEncipherment = bits(Buffer.of(0b1010_0000), 5);
  return [extension('2.5.29.19', true, endEntity), extension('2.5.29.15', true, digitalSignatureAndKeyEncipherment)];
}

function extension(type: string, critical: boolean, value: Structure): Structure {
  const parts = critical ? [boolean(true)] : [];
  return sequence(identifier(type), ...parts, octets(toDer(value)));
}

/** SHA-1 of the public key's bits (RFC 5280 §4.2.1.2, method 1). */
function keyIdentifier(publicKeyInfo: Buffer): Buffer {
  const parts = inside(next(reader(publicKeyInfo)));
  next(parts);
  const key = next(parts);
  const afterUnusedBits = key.start + 1;
  return hashOf('sha1', publicKeyInfo.subarray(afterUnusedBits, key.end), 'buffer');
}
