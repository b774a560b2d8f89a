import { randomBytes } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { removeQuietly, syncFolder, temporaryName, writeOnce } from '../../files/durable-files.ts';
import { type WriteHints, writeError } from '../../files/file-errors.ts';
import { makeOwnFolder } from '../../files/own-folder.ts';
import { readWhole } from '../../files/read-file.ts';
import { type KeptAs, sealedName } from './custody.ts';
import { accountFolder, machineFolder } from './key-folder.ts';

const KEY_HINTS: WriteHints = {
  exists: 'key files are never overwritten: move it away or choose another folder with --out',
  full: 'free some space or choose another folder with --out, then run again',
  other: 'choose a folder that this account can write to with --out',
};

/**
 * The paths of one key set: `<out>/<user>/<machine>/<digest>.pfx`, `.cer` and `.pass`; sealed ones are `.pfx.p7m` and
 * `.pass.p7m`.
 */
export interface KeyFiles {
  /** Null when a key sink has it. */
  pfx: string | null;
  certificate: string;
  /** Null when the passphrase came from elsewhere and is not kept beside the PFX, or when a key sink has it. */
  passphrase: string | null;
}

export interface KeyTarget {
  out: string;
  /** DOMAIN\sAMAccountName. */
  account: string;
  machine: string;
  /** MD5 of the certificate, 32 hex digits. */
  digest: string;
}

export interface KeyContent {
  pfx: Uint8Array | null;
  /** DER. */
  certificate: Uint8Array;
  /** Bytes when it is sealed. */
  passphrase: string | Uint8Array | null;
}

const PASSPHRASE_GROUPS = 6;
const PASSPHRASE_GROUP_LENGTH = 5;
/** 32 characters that are typed alike on most keyboards and not mistaken for one another. */
const PASSPHRASE_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** That of a key that lies in key files, sealed or not. */
type WithPfx = KeyFiles & { pfx: string };

/** Where a key set is, or will be: PC-1 finds the folder that was made for pc-1. */
export async function keyFilesOf(target: KeyTarget, keepsPassphrase: boolean, kept?: 'files'): Promise<WithPfx>;
export async function keyFilesOf(target: KeyTarget, keepsPassphrase: boolean, kept: KeptAs): Promise<KeyFiles>;
export async function keyFilesOf(
  target: KeyTarget,
  keepsPassphrase: boolean,
  kept: KeptAs = 'files',
): Promise<KeyFiles> {
  const { out, account, machine, digest } = target;
  if (!/^[0-9a-f]{32}$/.test(digest)) throw new MsmqCertError('internal', `${digest} is not a digest`);
  const folder = await machineFolder(out, account, machine).catch((error) => {
    throw writeError(accountFolder(out, account), error, KEY_HINTS);
  });
  return keySetIn(folder, digest, keepsPassphrase, kept);
}

/** The paths of a key set in its folder. What is sealed always has its passphrase beside it. */
export function keySetIn(folder: string, digest: string, keepsPassphrase: boolean, kept?: 'files'): WithPfx;
export function keySetIn(folder: string, digest: string, keepsPassphrase: boolean, kept: KeptAs): KeyFiles;
export function keySetIn(folder: string, digest: string, keepsPassphrase: boolean, kept: KeptAs = 'files'): KeyFiles {
  const path = (extension: string): string => join(folder, `${digest}.${extension}`);
  const certificate = path('cer');
  switch (kept) {
    case 'files':
      return { pfx: path('pfx'), certificate, passphrase: keepsPassphrase ? path('pass') : null };
    case 'sealed':
      return { pfx: sealedName(path('pfx')), certificate, passphrase: sealedName(path('pass')) };
    case 'sink':
      return { pfx: null, certificate, passphrase: null };
  }
}

/** The paths that a key set has, the certificate first. */
export function pathsOf({ certificate, pfx, passphrase }: KeyFiles): string[] {
  return [certificate, pfx, passphrase].filter((path) => path !== null);
}

/**
 * Writes a new key set: files 0600, folders 0700, each file in one atomic step and never over an existing one, on the
 * disk before this resolves. The certificate comes last, so where there is a .cer the set is complete. On a failure
 * nothing of it stays.
 * @throws MsmqCertError file-exists, file-unwritable, disk-full, untrusted-path
 */
export async function writeKeyFiles(files: KeyFiles, content: KeyContent): Promise<void> {
  const { pfx, certificate, passphrase } = content;
  const folder = dirname(files.certificate);
  await makeFolder(folder);
  const created: string[] = [];
  let current = files.certificate;
  const write = async (path: string, bytes: Uint8Array | string): Promise<void> => {
    current = path;
    await writeOnce(path, bytes, created);
  };
  try {
    if (files.passphrase !== null && passphrase !== null) {
      await write(files.passphrase, typeof passphrase === 'string' ? `${passphrase}\n` : passphrase);
    }
    if (files.pfx !== null && pfx !== null) await write(files.pfx, pfx);
    await syncFolder(folder);
    await write(files.certificate, certificate);
    await syncFolder(folder);
  } catch (error) {
    await removeQuietly(created);
    throw writeError(current, error, KEY_HINTS);
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeOwnFolder(folder);
  } catch (error) {
    const code = systemCode(error);
    // Here "exists" means a file where a folder has to be.
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw writeError(folder, error, KEY_HINTS);
    throw new MsmqCertError('file-unwritable', `cannot make the folder ${folder}: a file is in its place`, {
      hint: 'move that file away or choose another folder with --out',
      cause: error,
    });
  }
}

/**
 * Removes a key set, and what a crash left of it. Whoever calls this knows that its certificate is not registered.
 * @throws MsmqCertError file-unwritable, untrusted-path
 */
export async function removeKeyFiles(files: KeyFiles): Promise<void> {
  // The certificate first: what a crash leaves is then an unfinished set.
  for (const path of pathsOf(files)) {
    await remove(path);
    await remove(temporaryName(path));
  }
}

/**
 * Removes the temporary names that a crash left beside a whole set: they are second names of its files.
 * @throws MsmqCertError file-unwritable
 */
export async function removeTemporaryNames(files: KeyFiles): Promise<void> {
  for (const path of pathsOf(files)) await remove(temporaryName(path));
}

/**
 * Gives the files of a set that is not what was written other names: nobody uses them, nothing is lost.
 * @returns the new names
 * @throws MsmqCertError file-unwritable
 */
export async function setAside(files: KeyFiles): Promise<string[]> {
  const moved: string[] = [];
  const mark = randomBytes(4).toString('hex');
  for (const path of pathsOf(files)) {
    if (!(await isThere(path))) continue;
    const aside = `${path}.${mark}.set-aside`;
    try {
      await rename(path, aside);
    } catch (error) {
      throw writeError(path, error, KEY_HINTS);
    }
    moved.push(aside);
  }
  await syncFolder(dirname(files.certificate));
  return moved;
}

/**
 * Whether anything has this name.
 * @throws MsmqCertError file-unwritable
 */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw writeError(path, error, KEY_HINTS);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw writeError(path, error, KEY_HINTS);
  }
}

/** A new passphrase of 150 random bits that can be typed: six groups of five small letters and digits. */
export function randomPassphrase(): string {
  const groups = Array.from({ length: PASSPHRASE_GROUPS }, () =>
    Array.from(randomBytes(PASSPHRASE_GROUP_LENGTH), (byte) => PASSPHRASE_ALPHABET.charAt(byte & 31)).join(''),
  );
  return groups.join('-');
}

/**
 * The first line of a file, without its line end. UTF-8, or UTF-16 where a byte order mark says so, as Windows
 * PowerShell writes it.
 * @throws MsmqCertError file-unreadable, usage (no passphrase in it)
 */
export async function passphraseFrom(file: string): Promise<string> {
  return passphraseIn(await readPassphraseFile(file), file);
}

/**
 * The same for what is in such a file.
 * @param file names it in errors
 * @throws MsmqCertError file-unreadable, usage
 */
export function passphraseIn(bytes: Buffer, file: string): string {
  const [line = ''] = decode(bytes, file).split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new MsmqCertError('usage', `the first line of the passphrase file ${file} is empty`, {
    hint: 'write the passphrase into the first line',
  });
}

async function readPassphraseFile(file: string): Promise<Buffer> {
  const hint = 'give a file that this account can read with --passphrase-file';
  return await readWhole(file, `the passphrase file ${file}`, { hint });
}

function decode(bytes: Buffer, file: string): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new MsmqCertError('file-unreadable', `the passphrase file ${file} is not UTF-8 text`, {
      hint: 'save it as UTF-8',
    });
  }
}
