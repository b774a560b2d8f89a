import { randomUUID } from 'node:crypto';

/**
 * The Identifier of an entry is a GUID in packet form: the first three fields little-endian, the rest as it reads
 * (specification §1). These two turn it into its text form and back.
 */
export function identifierText(identifier: Buffer): string {
  const hex = identifier.toString('hex');
  const byte = (index: number) => hex.slice(index * 2, index * 2 + 2);
  const first = byte(3) + byte(2) + byte(1) + byte(0);
  return `${first}-${byte(5)}${byte(4)}-${byte(7)}${byte(6)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
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
