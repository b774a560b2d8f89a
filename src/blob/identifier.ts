import { randomUUID } from 'node:crypto';

/**
 * The Identifier of an entry is a GUID in packet form: the first three fields little-endian, the rest as it reads
 * (specification §1). These two turn it into its text form and back.
 */
export function identifierText(identifier: Buffer): string {
  const fields = [
    identifier.readUInt32LE(0).toString(16).padStart(8, '0'),
    identifier.readUInt16LE(4).toString(16).padStart(4, '0'),
    identifier.readUInt16LE(6).toString(16).padStart(4, '0'),
    identifier.toString('hex', 8, 10),
    identifier.toString('hex', 10, 16),
  ];
  return fields.join('-');
}

export function identifierBytes(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** A new random GUID in packet form, as every registration makes one. */
export function newIdentifier(): Buffer {
  return identifierBytes(randomUUID());
}
