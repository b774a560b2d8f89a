import forge from 'node-forge';

const { asn1 } = forge;
const { Class, Type } = asn1;

/** A structure that is ready to be encoded. node-forge keeps bytes as strings of one character each. */
export type Structure = forge.asn1.Asn1;

export function sequence(...children: Structure[]): Structure {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, children);
}

/** A SET OF: DER sorts its elements by their encoding. */
export function setOf(...children: Structure[]): Structure {
  const sorted = children.map((child) => ({ child, der: toDer(child) })).sort((a, b) => a.der.compare(b.der));
  const elements = sorted.map(({ child }) => child);
  return asn1.create(Class.UNIVERSAL, Type.SET, true, elements);
}

/** An explicitly tagged element: [number] EXPLICIT. */
export function explicit(number: number, child: Structure): Structure {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, true, [child]);
}

/** Bytes in place of an OCTET STRING: [number] IMPLICIT. */
export function implicitOctets(number: number, bytes: Uint8Array): Structure {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, false, binary(bytes));
}

export function identifier(dotted: string): Structure {
  return primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
}

export function octets(bytes: Uint8Array): Structure {
  return primitive(Type.OCTETSTRING, binary(bytes));
}

/** A BIT STRING; `unused` of the last byte's low bits do not belong to it. */
export function bits(bytes: Uint8Array, unused = 0): Structure {
  return primitive(Type.BITSTRING, String.fromCharCode(unused) + binary(bytes));
}

export function smallInteger(value: number): Structure {
  return primitive(Type.INTEGER, asn1.integerToDer(value).getBytes());
}

/** A positive INTEGER from its big-endian bytes, the first of which is not zero. */
export function positiveInteger(bytes: Uint8Array): Structure {
  const needsSign = (bytes[0] ?? 0) >= 0x80;
  return primitive(Type.INTEGER, (needsSign ? '\0' : '') + binary(bytes));
}

export function boolean(value: boolean): Structure {
  return primitive(Type.BOOLEAN, value ? '\xff' : '\0');
}

export function nothing(): Structure {
  return primitive(Type.NULL, '');
}

export function utf8String(text: string): Structure {
  return primitive(Type.UTF8, binary(Buffer.from(text)));
}

/** The text must be ASCII. */
export function printableString(text: string): Structure {
  return primitive(Type.PRINTABLESTRING, text);
}

/** The text must be ASCII. */
export function ia5String(text: string): Structure {
  return primitive(Type.IA5STRING, text);
}

/** UTF-16, big-endian. Here node-forge takes the text and encodes it itself. */
export function bmpString(text: string): Structure {
  return primitive(Type.BMPSTRING, text);
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function time(date: Date): Structure {
  const year = date.getUTCFullYear();
  if (year >= 1950 && year < 2050) return primitive(Type.UTCTIME, asn1.dateToUtcTime(date));
  return primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

export function toDer(structure: Structure): Buffer {
  return Buffer.from(asn1.toDer(structure).getBytes(), 'latin1');
}

export function fromDer(der: Uint8Array): Structure {
  return asn1.fromDer(binary(der));
}

function primitive(type: forge.asn1.Type, content: string): Structure {
  return asn1.create(Class.UNIVERSAL, type, false, content);
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
