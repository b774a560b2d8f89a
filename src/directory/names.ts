import { identifierText } from '../blob/identifier.ts';
import { MsmqCertError } from '../errors.ts';
import { harmless } from '../visible.ts';

/** The forms in which people and other programs name a user. */
export type UserName =
  | { kind: 'dn'; dn: string }
  | { kind: 'sid'; sid: string }
  | { kind: 'upn'; upn: string }
  | { kind: 'qualified'; domain: string; name: string }
  | { kind: 'sam'; name: string };

const SID = /^s-1-(?:\d{1,10}|0x[\da-f]{12})(?:-\d{1,10}){1,15}$/i;
const DN = /^(?:[a-z][a-z\d-]*|\d+(?:\.\d+)*) *=/i;

/**
 * Tells which form a name has. A sAMAccountName can hold none of the characters that mark the other forms.
 * @throws MsmqCertError user-not-found when the name, or a half of it, is empty
 */
export function parseUserName(text: string): UserName {
  const name = text.trim();
  if (DN.test(name)) return { kind: 'dn', dn: name };
  if (SID.test(name)) return { kind: 'sid', sid: name.toUpperCase().replace('0X', '0x') };
  if (name.includes('\\')) return qualifiedName(name);
  if (name === '' || name.startsWith('@') || name.endsWith('@')) throw userNotFound(text);
  return name.includes('@') ? { kind: 'upn', upn: name } : { kind: 'sam', name };
}

function qualifiedName(text: string): UserName {
  const cut = text.indexOf('\\');
  const domain = text.slice(0, cut);
  const name = text.slice(cut + 1);
  if (domain === '' || name === '') throw userNotFound(text);
  return { kind: 'qualified', domain, name };
}

/** The form used in output: `CORP\alice`, or the bare name when no domain is known. */
export function accountOf(domain: string, sam: string): string {
  return domain === '' ? sam : `${domain}\\${sam}`;
}

/**
 * How a printed command names a user: by the account where that is read back as the same, else by what has no characters
 * of its own, so that it also passes through tables.
 */
export function nameForCommand({ account, sid, dn }: { account: string; sid: string | null; dn: string }): string {
  const isPlain = account === harmless(account.trim()) && !/[,;"<>|%`]/.test(account);
  if (isPlain && ['qualified', 'sam'].includes(parseUserName(account).kind)) return account;
  return sid ?? dn;
}

/** The first DC component of a distinguished name in capitals, empty when it has none. */
export function fallbackDomain(dn: string): string {
  const domain = parseDn(dn).find((part) => part.type === 'dc');
  return domain === undefined ? '' : domain.value.toUpperCase();
}

export interface DnPart {
  /** Attribute type in small letters: `cn`, `ou`, `dc`. */
  type: string;
  /** The value without its escapes. */
  value: string;
  /** Joined to the part before it with `+`, so that both name one level. */
  joined: boolean;
}

const ESCAPED = /(?:\\[\da-f]{2})+|\\./gis;
const PART = /((?:\\.|[^\\,;+])*\\?)([,;+]|$)/gs;
const PADDED = /^ *((?:\\.|[^\\]|\\$)*?) *$/s;

/**
 * Takes a distinguished name apart (RFC 4514), the first part first. Lenient: whatever has no `=` becomes a part with
 * an empty type, as this only compares and shows names and never makes one.
 */
export function parseDn(dn: string): DnPart[] {
  const parts: DnPart[] = [];
  let joined = false;
  for (const [whole, text = '', end] of dn.matchAll(PART)) {
    if (whole === '') break;
    parts.push({ ...dnPart(text), joined });
    joined = end === '+';
  }
  return parts;
}

function dnPart(text: string): { type: string; value: string } {
  const cut = text.indexOf('=');
  return { type: text.slice(0, Math.max(cut, 0)).trim().toLowerCase(), value: unescapeValue(text.slice(cut + 1)) };
}

function unescapeValue(text: string): string {
  if (!text.includes('\\')) return text.replaceAll(/^ +| +$/g, '');
  const bare = PADDED.exec(text)?.[1] ?? text;
  return bare.replace(ESCAPED, (escaped) =>
    /^\\[\da-f]{2}/i.test(escaped) ? Buffer.from(escaped.replaceAll('\\', ''), 'hex').toString() : escaped.slice(1),
  );
}

/** Two distinguished names mean the same entry when their keys are equal: letter case, spacing and escapes do not count. */
export function dnKey(dn: string): string {
  return partsKey(parseDn(dn));
}

export function partsKey(parts: DnPart[]): string {
  return JSON.stringify(parts.map(({ type, value, joined }) => [joined, type, foldCase(value)]));
}

/** True when the entry is the base or anywhere below it. */
export function isWithin(dn: string, base: string): boolean {
  const baseParts = parseDn(base);
  return baseParts.length === 0 || partsKey(parseDn(dn).slice(-baseParts.length)) === partsKey(baseParts);
}

/** The form in which names are compared: the directory compares them without case. */
export function foldCase(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/**
 * The text form of a binary objectSid ([MS-DTYP] 2.4.2.2).
 * @throws MsmqCertError directory-error when the bytes are no SID
 */
export function sidText(bytes: Uint8Array): string {
  const sid = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (sid[0] !== 1 || sid.length < 12 || sid.length !== 8 + 4 * (sid[1] ?? 0)) {
    throw new MsmqCertError('directory-error', `objectSid with ${sid.length} bytes is not a security identifier`, {
      hint: 'look at the objectSid of this entry: it should hold a revision, an authority and at least one sub-authority',
    });
  }
  const authority = sid.readUIntBE(2, 6);
  const parts = [authority < 2 ** 32 ? `${authority}` : `0x${authority.toString(16).padStart(12, '0').toUpperCase()}`];
  for (let at = 8; at < sid.length; at += 4) parts.push(`${sid.readUInt32LE(at)}`);
  return `S-1-${parts.join('-')}`;
}

/**
 * The binary form of a SID in text.
 * @throws MsmqCertError usage when the text is no SID
 */
export function sidBytes(text: string): Buffer {
  const [authority = NaN, ...rest] = SID.test(text) ? text.split('-').slice(2).map(Number) : [];
  if (!(authority < 2 ** 48) || rest.some((part) => part >= 2 ** 32)) {
    throw new MsmqCertError('usage', `"${text}" is not a security identifier`, {
      hint: 'write it as S-1-5-21-… with numbers below 4294967296',
    });
  }
  const sid = Buffer.alloc(8 + 4 * rest.length);
  sid.writeUInt8(1, 0);
  sid.writeUInt8(rest.length, 1);
  sid.writeUIntBE(authority, 2, 6);
  rest.forEach((part, index) => {
    sid.writeUInt32LE(part, 8 + 4 * index);
  });
  return sid;
}

/**
 * The text form of a binary objectGUID: packet form, the first three fields little-endian (specification §1).
 * @throws MsmqCertError directory-error when there are not 16 bytes
 */
export function guidText(bytes: Uint8Array): string {
  if (bytes.length !== 16) {
    throw new MsmqCertError('directory-error', `objectGUID with ${bytes.length} bytes is not a GUID`, {
      hint: 'look at the objectGUID of this entry: it should hold 16 bytes',
    });
  }
  return identifierText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

export function userNotFound(name: string): MsmqCertError {
  return new MsmqCertError('user-not-found', `no user "${name}" in the directory`, {
    hint: 'name the user as sAMAccountName, DOMAIN\\user, user@domain.example, distinguished name or SID',
  });
}

export function userAmbiguous(name: string, dns: readonly string[]): MsmqCertError {
  return new MsmqCertError('user-ambiguous', `"${name}" names ${dns.length} users: ${dns.join(' | ')}`, {
    hint: 'name the user by distinguished name or SID',
  });
}
