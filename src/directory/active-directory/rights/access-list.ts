import { Ber, type BerWriter, Control } from 'ldapts';
import { MsmqCertError } from '../../../errors.ts';
import { guidText, sidText } from '../../names.ts';
import { readBytes, type Search } from '../read/search.ts';

/** An attribute as access control entries name it: by its schemaIDGUID, or by that of its property set. */
export interface ProtectedAttribute {
  schemaId: string;
  propertySet: string | null;
}

/** An access control entry, as far as it is about reading properties ([MS-DTYP] 2.4.4). */
interface AccessEntry {
  allows: boolean;
  /** SID. */
  trustee: string;
  /** GUID of the attribute or property set, null for all. */
  object: string | null;
}

/** Whom the entries of one object let read; null: everybody, as there is no list at all. */
export type AccessList = AccessEntry[] | null;

const DESCRIPTOR = 'nTSecurityDescriptor';
/** The caller's own SID in the entries of his own object ([MS-ADTS] 5.1.3.3). */
const SELF = 'S-1-5-10';

/**
 * Whether a caller with these SIDs may read an attribute of the entry at `base`; null when the directory does not show the
 * access control list. What one may not read is left out of every answer, and looks like an attribute without a value.
 */
export async function mayRead(
  search: Search,
  base: string,
  attributes: readonly ProtectedAttribute[],
  sids: readonly string[],
): Promise<boolean | null> {
  const withList: Search = (at, options) => search(at, options, new AccessListOnly());
  const entry = await readBytes(withList, base, [DESCRIPTOR, 'objectSid']);
  const [descriptor] = entry?.get(DESCRIPTOR) ?? [];
  if (descriptor === undefined) return null;
  const [own] = entry?.get('objectSid') ?? [];
  const isSelf = own !== undefined && sidText(own) === sids[0];
  const list = readAccessList(descriptor);
  const trustees = new Set(isSelf ? [...sids, SELF] : sids);
  return attributes.every((attribute) => listAllows(list, attribute, trustees));
}

/** LDAP_SERVER_SD_FLAGS ([MS-ADTS] 3.1.1.3.4.1.11): without it, only those who may see the audit list get anything. */
class AccessListOnly extends Control {
  constructor() {
    super('1.2.840.113556.1.4.801', { critical: true });
  }

  protected override writeControl(writer: BerWriter): void {
    // SEQUENCE { INTEGER 4: DACL_SECURITY_INFORMATION }
    writer.writeBuffer(Buffer.from([0x30, 0x03, 0x02, 0x01, 0x04]), Ber.OctetString);
  }
}

/** The first entry that is about one of the trustees and the attribute decides; no entry at all denies. */
export function listAllows(
  list: AccessList,
  { schemaId, propertySet }: ProtectedAttribute,
  trustees: ReadonlySet<string>,
): boolean {
  if (list === null) return true;
  const about = [null, schemaId, propertySet];
  return list.find(({ trustee, object }) => trustees.has(trustee) && about.includes(object))?.allows ?? false;
}

const DACL_PRESENT = 0x0004;

/**
 * Reads the discretionary list of a self-relative SECURITY_DESCRIPTOR ([MS-DTYP] 2.4.6, 2.4.5).
 * @throws MsmqCertError directory-error when the bytes are something else
 */
export function readAccessList(descriptor: Buffer): AccessList {
  try {
    return entriesIn(descriptor);
  } catch (cause) {
    // what points past the end is a RangeError of the buffer, a misshapen SID or GUID an error of ours
    throw new MsmqCertError(
      'directory-error',
      `${descriptor.length} bytes of ${DESCRIPTOR} are no access control list`,
      {
        hint: 'look at the security of this entry with dsacls or samba-tool dsacl get, or ask another domain controller',
        cause,
      },
    );
  }
}

function entriesIn(descriptor: Buffer): AccessList {
  const start = descriptor.readUInt32LE(16);
  if ((descriptor.readUInt16LE(2) & DACL_PRESENT) === 0 || start === 0) return null;
  const entries: AccessEntry[] = [];
  let at = start + 8;
  for (let left = descriptor.readUInt16LE(start + 4); left > 0; left--) {
    const size = descriptor.readUInt16LE(at + 2);
    if (at + size > descriptor.length) throw new RangeError(`an entry of ${size} bytes at ${at}`);
    entries.push(...readEntry(descriptor.subarray(at, at + size)));
    at += size;
  }
  return entries;
}

const INHERIT_ONLY = 0x08;
/** RIGHT_DS_READ_PROPERTY, GENERIC_READ and GENERIC_ALL ([MS-ADTS] 5.1.3.2). */
const READS_PROPERTIES = [0x10, 0x80000000, 0x10000000];
const HAS_OBJECT = 1;
const HAS_INHERITED_OBJECT = 2;
const GUID_BYTES = 16;
/** ACCESS_ALLOWED, ACCESS_DENIED and the same two for single properties. */
const KINDS = new Map([
  [0x00, { allows: true, single: false }],
  [0x01, { allows: false, single: false }],
  [0x05, { allows: true, single: true }],
  [0x06, { allows: false, single: true }],
]);

/** None when the entry does not apply to this object, or not to reading. */
function readEntry(entry: Buffer): AccessEntry[] {
  const kind = KINDS.get(entry.readUInt8(0));
  const mask = entry.readUInt32LE(4);
  const inheritOnly = (entry.readUInt8(1) & INHERIT_ONLY) !== 0;
  if (kind === undefined || inheritOnly || !READS_PROPERTIES.some((right) => (mask & right) !== 0)) return [];
  if (!kind.single) return [{ allows: kind.allows, trustee: sidAt(entry, 8), object: null }];
  const flags = entry.readUInt32LE(8);
  const hasObject = (flags & HAS_OBJECT) !== 0;
  const guids = Number(hasObject) + Number((flags & HAS_INHERITED_OBJECT) !== 0);
  const object = hasObject ? guidText(entry.subarray(12, 12 + GUID_BYTES)) : null;
  return [{ allows: kind.allows, trustee: sidAt(entry, 12 + guids * GUID_BYTES), object }];
}

function sidAt(entry: Buffer, at: number): string {
  return sidText(entry.subarray(at, at + 8 + 4 * entry.readUInt8(at + 1)));
}
