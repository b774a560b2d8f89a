/** One attribute of a name: `type` is a short name from `attributeTypes`, else a dotted object identifier. */
export interface NameAttribute {
  type: string;
  /** The text; a value that is no string type is `#` and its DER in hexadecimal. */
  value: string;
}

/** One relative distinguished name: almost always a single attribute. A name is a list of them in encoding order. */
export type RelativeName = readonly NameAttribute[];

/** How an attribute's value is encoded, and how many characters X.520 and RFC 4519 allow in it. */
export interface AttributeType {
  oid: string;
  encoding: 'utf8' | 'printable' | 'ia5';
  atLeast: number;
  atMost: number;
}

/** The attribute types a subject template may use (RFC 4514 §3, RFC 5280 appendix A.1). */
export const attributeTypes: ReadonlyMap<string, AttributeType> = new Map<string, AttributeType>([
  ['CN', { oid: '2.5.4.3', encoding: 'utf8', atLeast: 1, atMost: 64 }],
  ['OU', { oid: '2.5.4.11', encoding: 'utf8', atLeast: 1, atMost: 64 }],
  ['O', { oid: '2.5.4.10', encoding: 'utf8', atLeast: 1, atMost: 64 }],
  ['L', { oid: '2.5.4.7', encoding: 'utf8', atLeast: 1, atMost: 128 }],
  ['ST', { oid: '2.5.4.8', encoding: 'utf8', atLeast: 1, atMost: 128 }],
  ['C', { oid: '2.5.4.6', encoding: 'printable', atLeast: 2, atMost: 2 }],
  ['DC', { oid: '0.9.2342.19200300.100.1.25', encoding: 'ia5', atLeast: 1, atMost: 63 }],
  ['UID', { oid: '0.9.2342.19200300.100.1.1', encoding: 'utf8', atLeast: 1, atMost: 256 }],
  ['serialNumber', { oid: '2.5.4.5', encoding: 'printable', atLeast: 1, atMost: 64 }],
]);

/** The dotted object identifiers with a short name, for reading: the types above and those other issuers often use. */
export const attributeNames: ReadonlyMap<string, string> = new Map([
  ...[...attributeTypes].map(([name, { oid }]): [string, string] => [oid, name]),
  ['2.5.4.9', 'STREET'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
]);
