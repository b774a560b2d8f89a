import {
  atEnd,
  type DerElement,
  DerError,
  type DerReader,
  expect,
  finish,
  INTEGER,
  inside,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  reader,
  SEQUENCE,
} from '../x509/der.ts';
import { CERTIFICATE_BAG, DATA, ENCRYPTED_DATA, SHROUDED_KEY_BAG, X509_CERTIFICATE } from './identifiers.ts';
import { contentOf, decrypt, dotted, encryptionOf, type PfxEncryption, verifiesMac } from './protection.ts';

/** What is in a PFX file, in DER: X.509 certificates and PKCS #8 private keys. */
export interface OpenedPfx {
  certificates: Buffer[];
  privateKeys: Buffer[];
  /** How its parts are encrypted. */
  encryptions: Set<PfxEncryption>;
}

/** The MAC does not verify: the passphrase is wrong, or bytes were altered. */
export class PassphraseError extends DerError {}

const EXPLICIT_0 = 0xa0;
const IMPLICIT_OCTETS_0 = 0x80;

/**
 * Opens a PFX file of the kinds this tool writes: strict DER, one of the two encryptions, a MAC. Any byte that was altered
 * is found. OpenSSL behind tls.createSecureContext lets an altered version and altered parameters of the MAC pass, and
 * Node documents no way from that context to the certificate in it.
 * @throws DerError
 */
export function openPfx(pfx: Buffer, passphrase: string): OpenedPfx {
  try {
    return opened(pfx, passphrase);
  } catch (error) {
    if (error instanceof DerError) throw error;
    // node:crypto says in errors of its own that something does not decrypt
    throw new DerError('something in it cannot be decrypted', { cause: error });
  }
}

function opened(pfx: Buffer, passphrase: string): OpenedPfx {
  const whole = reader(pfx);
  const parts = inside(expect(whole, SEQUENCE, 'PFX'));
  finish(whole, 'PFX');
  demandVersion3(expect(parts, INTEGER, 'version'));
  const authenticatedSafe = readData(inside(expect(parts, SEQUENCE, 'content')));
  const isGenuine = verifiesMac(expect(parts, SEQUENCE, 'MAC data'), authenticatedSafe, passphrase);
  finish(parts, 'MAC data');
  if (!isGenuine) throw new PassphraseError('wrong passphrase or altered file');

  const found: OpenedPfx = { certificates: [], privateKeys: [], encryptions: new Set() };
  for (const content of elements(authenticatedSafe)) {
    for (const bag of elements(readSafeContents(inside(content), passphrase, found)))
      readBag(inside(bag), passphrase, found);
  }
  return found;
}

/** The one version there is (RFC 7292 §4). */
function demandVersion3(version: DerElement): void {
  if (!contentOf(version).equals(Buffer.of(3))) throw new DerError(`unknown version at byte ${version.offset}`);
}

function readSafeContents(content: DerReader, passphrase: string, opened: OpenedPfx): Buffer {
  const type = dotted(expect(content, OBJECT_IDENTIFIER, 'content type'));
  if (type === DATA) return contentOf(expect(unwrap(content), OCTET_STRING, 'content'));
  if (type !== ENCRYPTED_DATA) throw new DerError(`unknown content type ${type}`);

  const encryptedData = inside(expect(unwrap(content), SEQUENCE, 'encrypted data'));
  expect(encryptedData, INTEGER, 'version');
  const info = inside(expect(encryptedData, SEQUENCE, 'encrypted content'));
  expect(info, OBJECT_IDENTIFIER, 'content type');
  const algorithm = expect(info, SEQUENCE, 'encryption algorithm');
  opened.encryptions.add(encryptionOf(algorithm));
  return decrypt(algorithm, contentOf(expect(info, IMPLICIT_OCTETS_0, 'encrypted content')), passphrase);
}

function readData(content: DerReader): Buffer {
  const type = dotted(expect(content, OBJECT_IDENTIFIER, 'content type'));
  if (type !== DATA) throw new DerError(`unknown content type ${type}`);
  return contentOf(expect(unwrap(content), OCTET_STRING, 'content'));
}

function readBag(bag: DerReader, passphrase: string, found: OpenedPfx): void {
  const type = dotted(expect(bag, OBJECT_IDENTIFIER, 'bag type'));
  const value = inside(expect(unwrap(bag), SEQUENCE, 'bag'));
  if (type === SHROUDED_KEY_BAG) {
    const algorithm = expect(value, SEQUENCE, 'encryption algorithm');
    found.encryptions.add(encryptionOf(algorithm));
    found.privateKeys.push(decrypt(algorithm, contentOf(expect(value, OCTET_STRING, 'key')), passphrase));
  }
  if (type === CERTIFICATE_BAG && dotted(expect(value, OBJECT_IDENTIFIER, 'certificate type')) === X509_CERTIFICATE) {
    found.certificates.push(contentOf(expect(unwrap(value), OCTET_STRING, 'certificate')));
  }
}

/** What is inside an explicit tag [0]. */
function unwrap(from: DerReader): DerReader {
  return inside(expect(from, EXPLICIT_0, 'content'));
}

/** The elements of a SEQUENCE OF SEQUENCE. */
function elements(der: Buffer): DerElement[] {
  const whole = reader(der);
  const list = inside(expect(whole, SEQUENCE, 'list'));
  finish(whole, 'list');
  const found: DerElement[] = [];
  while (!atEnd(list)) found.push(expect(list, SEQUENCE, 'element'));
  return found;
}
