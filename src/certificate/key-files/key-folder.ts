import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';

/** Longer names would not fit every file system: the rest of them goes into a hash. */
const MAX_NAME = 100;
const KEPT_OF_LONG_NAME = 60;

/** Names that Windows keeps for devices, whatever their extension. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const everywhereSafe = /[A-Za-z0-9_-]/;

/**
 * The folder of one account: DOMAIN_user. Every other character but letters, digits and `_.-` of ASCII is `%hh` of its
 * UTF-8 bytes, and so are `_` in the domain and dots at either end: two accounts never share a folder, and no name
 * leads out of it.
 */
export function accountFolder(out: string, account: string): string {
  const backslash = account.indexOf('\\');
  const domain = backslash < 0 ? account : account.slice(0, backslash);
  const escapedDomain = escapeName(domain).replaceAll('_', '%5F');
  const name = backslash < 0 ? escapedDomain : `${escapedDomain}_${escapeName(account.slice(backslash + 1))}`;
  return join(out, shorten(name));
}

/**
 * The folder of one account and machine. A machine keeps the case it was written in, but PC-1 finds the folder that was
 * made for pc-1, on every file system.
 */
export async function machineFolder(out: string, account: string, machine: string): Promise<string> {
  const parent = accountFolder(out, account);
  const wanted = machineName(machine);
  const present = await folderEntries(parent);
  const known = present.includes(wanted) ? wanted : present.find((name) => name.toLowerCase() === wanted.toLowerCase());
  return join(parent, known ?? wanted);
}

/** The names in a folder, sorted; none when it does not exist. */
export async function folderEntries(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A text as a file name that is the same for every file system and different for every text. */
export function escapeName(text: string): string {
  if (text === '') return '%';
  const escaped = [...text].map((character, index, all) => {
    const isInnerDot = character === '.' && index > 0 && index < all.length - 1;
    return everywhereSafe.test(character) || isInnerDot ? character : escapeBytes(character);
  });
  const name = escaped.join('');
  return deviceName.test(name) ? escapeBytes(name.charAt(0)) + name.slice(1) : name;
}

/** Only ASCII compares alike everywhere, so any other name is put in lower case before it is escaped. */
function machineName(machine: string): string {
  const escaped = escapeName(machine);
  const isPlain = escaped.length <= MAX_NAME && !escaped.includes('%');
  return isPlain ? escaped : shorten(escapeName(machine.toLowerCase()));
}

function escapeBytes(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&');
}

/** A tilde is escaped elsewhere, so a shortened name is like no other. */
function shorten(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const rest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return `${name.slice(0, KEPT_OF_LONG_NAME)}~${rest}`;
}
