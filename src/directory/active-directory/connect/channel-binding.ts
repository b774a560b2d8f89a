import { createHash, type X509Certificate } from 'node:crypto';
import { BerReader } from 'ldapts';

const PREFIX = Buffer.from('tls-server-end-point:');
const SEQUENCE = 0x30;
const PARAMETERS_HASH = 0xa0;
const RSA_PSS = '1.2.840.113549.1.1.10';

/** The hashes that signatures name, by the identifier of the signature or of the hash in the parameters of RSASSA-PSS. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/**
 * What ties an authentication to the TLS connection around it (RFC 5929 §4): the hash of the server's certificate, made
 * with the hash its signature uses, or SHA-256 where that is weaker (MD5, SHA-1) or none (EdDSA).
 */
export function tlsServerEndPoint(certificate: X509Certificate): Buffer {
  const hash = HASHES[signatureAlgorithm(certificate.raw)] ?? 'sha256';
  return Buffer.concat([PREFIX, createHash(hash).update(certificate.raw).digest()]);
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { identifier, parameters }, … } (RFC 5280 §4.1). */
function signatureAlgorithm(der: Buffer): string {
  const reader = new BerReader(der);
  reader.readSequence(SEQUENCE);
  reader.readString(SEQUENCE, true);
  reader.readSequence(SEQUENCE);
  const identifier = reader.readOID();
  return identifier === RSA_PSS ? hashOfPss(reader) : (identifier ?? '');
}

/** RSASSA-PSS-params ::= SEQUENCE { [0] hashAlgorithm SEQUENCE { identifier } DEFAULT sha1, … } (RFC 4055 §3.1). */
function hashOfPss(reader: BerReader): string {
  reader.readSequence(SEQUENCE);
  if (reader.peek() !== PARAMETERS_HASH) return '';
  reader.readSequence(PARAMETERS_HASH);
  reader.readSequence(SEQUENCE);
  return reader.readOID() ?? '';
}
