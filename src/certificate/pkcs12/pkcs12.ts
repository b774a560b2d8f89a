import { createPrivateKey, hash, type KeyObject, X509Certificate } from 'node:crypto';
import {
  bmpString,
  explicit,
  identifier,
  implicitOctets,
  octets,
  type Structure,
  sequence,
  setOf,
  smallInteger,
  toDer,
} from '../x509/asn1.ts';
import {
  CERTIFICATE_BAG,
  CSP_NAME,
  DATA,
  ENCRYPTED_DATA,
  FRIENDLY_NAME,
  LOCAL_KEY_ID,
  SHROUDED_KEY_BAG,
  X509_CERTIFICATE,
} from './identifiers.ts';
import { encrypt, macOf, type PfxEncryption, type Secret } from './protection.ts';
import { openPfx } from './reader.ts';

export type { PfxEncryption };

export interface PfxContent {
  /** DER. */
  certificate: Buffer;
  privateKey: KeyObject;
  passphrase: string;
  /** How often the passphrase is hashed; `ITERATIONS` unless the passphrase is a random one. */
  iterations?: number;
  /** What the certificate store shows. */
  friendlyName: string;
  encryption: PfxEncryption;
}

/** What Windows and OpenSSL do about a passphrase that somebody chose. */
const ITERATIONS = 2048;

/** The CryptoAPI provider that signs with SHA-256 and SHA-512 (specification §4). */
const PROVIDER = 'Microsoft Enhanced RSA and AES Cryptographic Provider';

/**
 * A PFX file (RFC 7292) with one key and its certificate, both encrypted, for import into the user's personal store.
 * Derivation and encryption are native; a PFX takes a few milliseconds.
 */
export function buildPfx(content: PfxContent): Buffer {
  const keyIdentifier = attribute(LOCAL_KEY_ID, octets(hash('sha1', content.certificate, 'buffer')));
  const certificates = encryptedContent(sequence(certificateBag(content, keyIdentifier)), content);
  const keys = plainContent(toDer(sequence(keyBag(content, keyIdentifier))));
  const authenticatedSafe = toDer(sequence(certificates, keys));
  return toDer(sequence(smallInteger(3), plainContent(authenticatedSafe), macData(authenticatedSafe, content)));
}

/** Whether the passphrase opens the PFX and it holds this certificate (DER) and the matching private key. */
export function pfxHolds(pfx: Buffer, passphrase: string, certificate: Buffer): boolean {
  try {
    const { certificates, privateKeys } = openPfx(pfx, passphrase);
    const wanted = new X509Certificate(certificate);
    return (
      certificates.some((each) => each.equals(certificate)) &&
      privateKeys.some((key) => wanted.checkPrivateKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })))
    );
  } catch {
    // Whatever is wrong with it, whoever asks only needs to know that it is of no use.
    return false;
  }
}

/**
 * How the parts of a PFX file are encrypted.
 * @throws DerError, or an error of node:crypto when something in it does not decrypt
 */
export function pfxEncryptions(pfx: Buffer, passphrase: string): PfxEncryption[] {
  return [...openPfx(pfx, passphrase).encryptions];
}

function certificateBag({ certificate, friendlyName }: PfxContent, keyIdentifier: Structure): Structure {
  return sequence(
    identifier(CERTIFICATE_BAG),
    explicit(0, sequence(identifier(X509_CERTIFICATE), explicit(0, octets(certificate)))),
    setOf(keyIdentifier, attribute(FRIENDLY_NAME, bmpString(friendlyName))),
  );
}

/** The key has no friendly name: where a key has one, Windows may take it for the name of the key container. */
function keyBag(content: PfxContent, keyIdentifier: Structure): Structure {
  const plain = content.privateKey.export({ type: 'pkcs8', format: 'der' });
  const { algorithm, ciphertext } = encrypt(content.encryption, plain, secretOf(content));
  return sequence(
    identifier(SHROUDED_KEY_BAG),
    explicit(0, sequence(algorithm, octets(ciphertext))),
    setOf(keyIdentifier, attribute(CSP_NAME, bmpString(PROVIDER))),
  );
}

function secretOf({ passphrase, iterations = ITERATIONS }: PfxContent): Secret {
  return { passphrase, iterations };
}

function attribute(type: string, value: Structure): Structure {
  return sequence(identifier(type), setOf(value));
}

/** ContentInfo of the type data (RFC 2315 §7). */
function plainContent(bytes: Buffer): Structure {
  return sequence(identifier(DATA), explicit(0, octets(bytes)));
}

/** ContentInfo of the type encryptedData (RFC 2315 §13). */
function encryptedContent(safeContents: Structure, content: PfxContent): Structure {
  const { algorithm, ciphertext } = encrypt(content.encryption, toDer(safeContents), secretOf(content));
  const encrypted = sequence(identifier(DATA), algorithm, implicitOctets(0, ciphertext));
  return sequence(identifier(ENCRYPTED_DATA), explicit(0, sequence(smallInteger(0), encrypted)));
}

function macData(authenticatedSafe: Buffer, content: PfxContent): Structure {
  const { algorithm, value, salt, iterations } = macOf(content.encryption, authenticatedSafe, secretOf(content));
  return sequence(sequence(algorithm, octets(value)), octets(salt), smallInteger(iterations));
}
