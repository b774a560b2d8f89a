import type { JsonWebKey } from 'node:crypto';
import { MsmqCertError } from '../../errors.ts';

/** What a key is for: CryptoAPI keeps one of each in a container. */
export type KeySpec = 'AT_KEYEXCHANGE' | 'AT_SIGNATURE';

export const KEY_SPECS: Readonly<Record<KeySpec, number>> = { AT_KEYEXCHANGE: 1, AT_SIGNATURE: 2 };

const PUBLIC_KEY_BLOB = 0x06;
const PRIVATE_KEY_BLOB = 0x07;
const VERSION = 2;
/** CALG_RSA_KEYX and CALG_RSA_SIGN */
const ALGORITHMS: Readonly<Record<KeySpec, number>> = { AT_KEYEXCHANGE: 0xa400, AT_SIGNATURE: 0x2400 };
const RSA1 = 0x31415352;
const RSA2 = 0x32415352;
const HEAD = 20;

/**
 * An RSA private key as CryptoAPI imports it: PUBLICKEYSTRUC, RSAPUBKEY, then modulus, primes, exponents, coefficient
 * and private exponent, each little-endian and of fixed length ("RSA/Schannel Key BLOBs" in Microsoft's documents).
 * @throws MsmqCertError invalid-pfx when it is no RSA private key whose primes are half as long as the modulus
 */
export function privateKeyBlob(key: JsonWebKey, spec: KeySpec): Buffer {
  const { n, e, d, p, q, dp, dq, qi } = key;
  if (key.kty !== 'RSA' || !n || !e || !d || !p || !q || !dp || !dq || !qi)
    throw notRsa('the key is no RSA private key');
  const bytes = numberOf(n).length;
  if (bytes % 2 !== 0) throw notRsa(`the key has ${bytes * 8} bits, which CryptoAPI cannot take`);
  const half = bytes / 2;
  const head = headOf(PRIVATE_KEY_BLOB, spec, RSA2, bytes, numberOf(e));
  const halves = [p, q, dp, dq, qi].map((each) => littleEndian(each, half));
  return Buffer.concat([head, littleEndian(n, bytes), ...halves, littleEndian(d, bytes)]);
}

/** The public key in a PUBLICKEYBLOB, as a JSON Web Key. */
export function publicKeyOf(blob: Buffer): JsonWebKey {
  if (blob.length < HEAD || blob[0] !== PUBLIC_KEY_BLOB || blob.readUInt32LE(8) !== RSA1) {
    throw new MsmqCertError('key-store', 'the key in the container is no RSA key', {
      hint: 'MSMQ signs with RSA only: remove the certificate and install one with an RSA key',
    });
  }
  const modulus = Buffer.from(blob.subarray(HEAD, HEAD + blob.readUInt32LE(12) / 8)).reverse();
  const exponent = Buffer.alloc(4);
  exponent.writeUInt32BE(blob.readUInt32LE(16));
  return { kty: 'RSA', n: modulus.toString('base64url'), e: withoutZeros(exponent).toString('base64url') };
}

function headOf(type: number, spec: KeySpec, magic: number, bytes: number, exponent: Buffer): Buffer {
  if (exponent.length > 4) throw notRsa('the public exponent of the key has more than 32 bits');
  const head = Buffer.alloc(HEAD);
  head.writeUInt8(type, 0);
  head.writeUInt8(VERSION, 1);
  head.writeUInt32LE(ALGORITHMS[spec], 4);
  head.writeUInt32LE(magic, 8);
  head.writeUInt32LE(bytes * 8, 12);
  head.writeUInt32LE(exponent.readUIntBE(0, exponent.length), 16);
  return head;
}

function littleEndian(number: string, length: number): Buffer {
  const bigEndian = numberOf(number);
  if (bigEndian.length > length) throw notRsa('the two primes of the key are not of one length');
  const padded = Buffer.alloc(length);
  bigEndian.reverse().copy(padded);
  return padded;
}

function numberOf(text: string): Buffer {
  return withoutZeros(Buffer.from(text, 'base64url'));
}

function withoutZeros(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  return Buffer.from(bytes.subarray(first < 0 ? bytes.length - 1 : first));
}

function notRsa(message: string): MsmqCertError {
  return new MsmqCertError('invalid-pfx', message, {
    hint: 'MSMQ signs with RSA only: let msmq-cert register make the key, or ask the issuer for an RSA key',
  });
}
