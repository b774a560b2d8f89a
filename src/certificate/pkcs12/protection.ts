import { createCipheriv, createDecipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { identifier, nothing, octets, type Structure, sequence, smallInteger } from '../x509/asn1.ts';
import {
  atEnd,
  byteAt,
  type DerElement,
  DerError,
  expect,
  finish,
  INTEGER,
  inside,
  NULL,
  next,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from '../x509/der.ts';
import { dottedFromKey, identifierKey } from '../x509/der-values.ts';
import { derive } from './kdf.ts';

/**
 * By the names Windows gives them (specification §4): pbeWithSHAAnd3-KeyTripleDES-CBC with a SHA-1 MAC, for servers
 * before 2019; AES-256-CBC with PBES2 and a SHA-256 MAC.
 */
export type PfxEncryption = 'TripleDES_SHA1' | 'AES256_SHA256';

/** A ciphertext and the AlgorithmIdentifier that says how. */
export interface Protected {
  algorithm: Structure;
  ciphertext: Buffer;
}

export interface Mac {
  algorithm: Structure;
  value: Buffer;
  salt: Buffer;
  iterations: number;
}

/** A passphrase, and how often it is hashed before it serves as a key. */
export interface Secret {
  passphrase: string;
  iterations: number;
}

/** A file that asks for more would only keep us busy. */
const MAX_ITERATIONS = 100_000;

const TRIPLE_DES_PBE = '1.2.840.113549.1.12.1.3';
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const HMAC_SHA256 = '1.2.840.113549.2.9';
const AES_256_CBC = '2.16.840.1.101.3.4.1.42';
const SHA1 = '1.3.14.3.2.26';
const SHA256 = '2.16.840.1.101.3.4.2.1';

interface CipherKey {
  cipher: 'des-ede3-cbc' | 'aes-256-cbc';
  key: Buffer;
  iv: Buffer;
}

export function encrypt(encryption: PfxEncryption, plain: Buffer, { passphrase, iterations }: Secret): Protected {
  const salt = randomBytes(saltBytes(encryption));
  if (encryption === 'TripleDES_SHA1') {
    const algorithm = sequence(identifier(TRIPLE_DES_PBE), sequence(octets(salt), smallInteger(iterations)));
    return { algorithm, ciphertext: encipher(tripleDesKey(passphrase, salt, iterations), plain) };
  }
  const iv = randomBytes(16);
  const algorithm = sequence(
    identifier(PBES2),
    sequence(pbkdf2Parameters(salt, iterations), sequence(identifier(AES_256_CBC), octets(iv))),
  );
  return { algorithm, ciphertext: encipher(aesKey(passphrase, salt, iterations, iv), plain) };
}

/**
 * The reverse of {@link encrypt}, given the AlgorithmIdentifier as it was read.
 * @throws DerError for any other algorithm; an error of node:crypto when the passphrase is wrong or the content was altered
 */
export function decrypt(algorithm: DerElement, content: Buffer, passphrase: string): Buffer {
  const parts = inside(algorithm);
  const scheme = dotted(expect(parts, OBJECT_IDENTIFIER, 'encryption scheme'));
  const parameters = expect(parts, SEQUENCE, 'encryption parameters');
  if (scheme === TRIPLE_DES_PBE) return decipher(readTripleDesKey(parameters, passphrase), content);
  if (scheme === PBES2) return decipher(readAesKey(parameters, passphrase), content);
  throw new DerError(`unknown encryption scheme ${scheme}`);
}

/**
 * By which of the two an AlgorithmIdentifier says that something is encrypted.
 * @throws DerError for any other
 */
export function encryptionOf(algorithm: DerElement): PfxEncryption {
  const scheme = dotted(expect(inside(algorithm), OBJECT_IDENTIFIER, 'encryption scheme'));
  if (scheme === TRIPLE_DES_PBE) return 'TripleDES_SHA1';
  if (scheme === PBES2) return 'AES256_SHA256';
  throw new DerError(`unknown encryption scheme ${scheme}`);
}

/** The integrity check over the whole content (RFC 7292 §5.1). */
export function macOf(encryption: PfxEncryption, content: Buffer, { passphrase, iterations }: Secret): Mac {
  const salt = randomBytes(saltBytes(encryption));
  const isSha1 = encryption === 'TripleDES_SHA1';
  const value = hmac(isSha1 ? 'sha1' : 'sha256', content, passphrase, salt, iterations);
  return { algorithm: sequence(identifier(isSha1 ? SHA1 : SHA256), nothing()), value, salt, iterations };
}

/**
 * Computes a MAC again, given its MacData as it was read.
 * @throws DerError
 */
export function verifiesMac(macData: DerElement, content: Buffer, passphrase: string): boolean {
  const parts = inside(macData);
  const digestInfo = inside(expect(parts, SEQUENCE, 'MAC'));
  const algorithm = inside(expect(digestInfo, SEQUENCE, 'MAC algorithm'));
  const hashName = hashNameOf(dotted(expect(algorithm, OBJECT_IDENTIFIER, 'MAC algorithm')));
  if (!atEnd(algorithm)) demandNothing(expect(algorithm, NULL, 'MAC parameters'));
  finish(algorithm, 'MAC algorithm');
  const value = contentOf(expect(digestInfo, OCTET_STRING, 'MAC value'));
  finish(digestInfo, 'MAC');
  const salt = contentOf(expect(parts, OCTET_STRING, 'MAC salt'));
  const iterations = readIterations(next(parts));
  finish(parts, 'MAC data');
  return hmac(hashName, content, passphrase, salt, iterations).equals(value);
}

export function contentOf({ bytes, start, end }: DerElement): Buffer {
  return bytes.subarray(start, end);
}

export function dotted(element: DerElement): string {
  return dottedFromKey(identifierKey(element));
}

function saltBytes(encryption: PfxEncryption): number {
  return encryption === 'TripleDES_SHA1' ? 8 : 16;
}

function pbkdf2Parameters(salt: Buffer, iterations: number): Structure {
  const pseudoRandom = sequence(identifier(HMAC_SHA256), nothing());
  return sequence(identifier(PBKDF2), sequence(octets(salt), smallInteger(iterations), pseudoRandom));
}

function tripleDesKey(passphrase: string, salt: Buffer, iterations: number): CipherKey {
  const derivation = { hashName: 'sha1', passphrase, salt, iterations } as const;
  return { cipher: 'des-ede3-cbc', key: derive('key', 24, derivation), iv: derive('iv', 8, derivation) };
}

function aesKey(passphrase: string, salt: Buffer, iterations: number, iv: Buffer): CipherKey {
  return { cipher: 'aes-256-cbc', key: pbkdf2Sync(passphrase, salt, iterations, 32, 'sha256'), iv };
}

function hmac(
  hashName: 'sha1' | 'sha256',
  content: Buffer,
  passphrase: string,
  salt: Buffer,
  iterations: number,
): Buffer {
  const bytes = hashName === 'sha1' ? 20 : 32;
  const key = derive('mac', bytes, { hashName, passphrase, salt, iterations });
  return createHmac(hashName, key).update(content).digest();
}

function encipher({ cipher, key, iv }: CipherKey, plain: Buffer): Buffer {
  const running = createCipheriv(cipher, key, iv);
  return Buffer.concat([running.update(plain), running.final()]);
}

function decipher({ cipher, key, iv }: CipherKey, content: Buffer): Buffer {
  const running = createDecipheriv(cipher, key, iv);
  return Buffer.concat([running.update(content), running.final()]);
}

function readTripleDesKey(parameters: DerElement, passphrase: string): CipherKey {
  const parts = inside(parameters);
  const salt = contentOf(expect(parts, OCTET_STRING, 'salt'));
  return tripleDesKey(passphrase, salt, readIterations(next(parts)));
}

function readAesKey(parameters: DerElement, passphrase: string): CipherKey {
  const parts = inside(parameters);
  const derivation = inside(expect(parts, SEQUENCE, 'key derivation'));
  demandIdentifier(expect(derivation, OBJECT_IDENTIFIER, 'key derivation'), PBKDF2);
  const pbkdf2 = inside(expect(derivation, SEQUENCE, 'key derivation parameters'));
  const salt = contentOf(expect(pbkdf2, OCTET_STRING, 'salt'));
  const iterations = readIterations(next(pbkdf2));
  demandIdentifier(next(inside(expect(pbkdf2, SEQUENCE, 'pseudo-random function'))), HMAC_SHA256);
  if (!atEnd(pbkdf2)) throw new DerError('unknown key derivation parameters');

  const cipher = inside(expect(parts, SEQUENCE, 'cipher'));
  demandIdentifier(next(cipher), AES_256_CBC);
  return aesKey(passphrase, salt, iterations, contentOf(expect(cipher, OCTET_STRING, 'initialization vector')));
}

function readIterations({ bytes, tag, offset, start, end }: DerElement): number {
  if (tag !== INTEGER || end - start > 4 || byteAt(bytes, start) >= 0x80) {
    throw new DerError(`no iteration count at byte ${offset}`);
  }
  const iterations = bytes.readUIntBE(start, end - start);
  if (iterations < 1 || iterations > MAX_ITERATIONS) throw new DerError(`${iterations} iterations`);
  return iterations;
}

function hashNameOf(algorithm: string): 'sha1' | 'sha256' {
  if (algorithm === SHA1) return 'sha1';
  if (algorithm === SHA256) return 'sha256';
  throw new DerError(`unknown MAC algorithm ${algorithm}`);
}

function demandNothing({ offset, start, end }: DerElement): void {
  if (start !== end) throw new DerError(`a NULL with content at byte ${offset}`);
}

function demandIdentifier(element: DerElement, wanted: string): void {
  if (dotted(element) !== wanted) throw new DerError(`no identifier ${wanted} at byte ${element.offset}`);
}
