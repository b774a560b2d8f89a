import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { removeQuietly, syncFolder, temporaryName, writeError, writeOnce } from '../../files/durable-files.ts';
import { type Claim, claimsIn, isAbandoned, ownClaim, takeOver } from './key-claim.ts';
import { accountFolder, folderEntries, machineFolder } from './key-folder.ts';

/** The paths of one key set: `<out>/<user>/<machine>/<digest>.pfx`, `.cer` and `.pass`. */
export interface KeyFiles {
  pfx: string;
  certificate: string;
  /** Null when the passphrase came from elsewhere and is not kept beside the PFX. */
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
  pfx: Uint8Array;
  /** DER. */
  certificate: Uint8Array;
  passphrase: string | null;
}

const PASSPHRASE_GROUPS = 6;
const PASSPHRASE_GROUP_LENGTH = 5;
/** 32 characters that are typed alike on most keyboards and not mistaken for one another. */
const PASSPHRASE_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Writes a new key set: files 0600, folders 0700, each file in one atomic step and never over an existing one, on the
 * disk before this resolves. The certificate comes last, so where there is a .cer the set is complete. The set is claimed
 * by this process until {@link settleKeyFiles}. On a failure nothing of it stays.
 * @throws MsmqCertError file-exists, file-unwritable, disk-full
 */
export async function writeKeyFiles(target: KeyTarget, content: KeyContent): Promise<KeyFiles> {
  const folder = await makeFolder(target);
  const files = keySet(folder, target.digest, content.passphrase !== null);
  const created: string[] = [];
  let current = ownClaim(folder, target.digest);
  const write = async (path: string, bytes: Uint8Array | string): Promise<void> => {
    current = path;
    await writeOnce(path, bytes, created);
  };
  try {
    await writeFile(current, '', { flag: 'wx', mode: 0o600 });
    created.push(current);
    if (files.passphrase !== null) await write(files.passphrase, `${content.passphrase}\n`);
    await write(files.pfx, content.pfx);
    await syncFolder(folder);
    await write(files.certificate, content.certificate);
    await syncFolder(folder);
    return files;
  } catch (error) {
    await removeQuietly(created);
    throw writeError(current, error);
  }
}

async function makeFolder({ out, account, machine, digest }: KeyTarget): Promise<string> {
  if (!/^[0-9a-f]{32}$/.test(digest)) throw new MsmqCertError('internal', `${digest} is not a digest`);
  const parent = accountFolder(out, account);
  try {
    const folder = await machineFolder(out, account, machine);
    const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (firstMade !== undefined) await syncNewFolders(resolve(folder), resolve(firstMade));
    return folder;
  } catch (error) {
    // Here "exists" means a file where a folder has to be.
    if (systemCode(error) !== 'EEXIST') throw writeError(parent, error);
    throw new MsmqCertError('file-unwritable', `cannot make the folder ${parent}: a file is in its place`, {
      hint: 'move that file away or choose another folder with --out',
      cause: error,
    });
  }
}

/** Waits until the names of new folders, from the lowest up to the first that was made, are on the disk. */
async function syncNewFolders(lowest: string, firstMade: string): Promise<void> {
  const above = dirname(lowest);
  await syncFolder(above);
  if (lowest.length > firstMade.length) await syncNewFolders(above, firstMade);
}

function keySet(folder: string, digest: string, hasPassphrase: boolean): KeyFiles {
  const path = (extension: string): string => join(folder, `${digest}.${extension}`);
  return { pfx: path('pfx'), certificate: path('cer'), passphrase: hasPassphrase ? path('pass') : null };
}

/**
 * The certificate of this set is registered: the set stays, whatever happens to this process.
 * @throws MsmqCertError file-unwritable
 */
export async function settleKeyFiles(files: KeyFiles): Promise<void> {
  await remove(claimOf(files));
}

/**
 * The certificate with this digest is registered, whichever process made its set: nothing is provisional about it.
 * @throws MsmqCertError file-unwritable
 */
export async function settleRegistered(out: string, account: string, machine: string, digest: string): Promise<void> {
  await inFolder(out, account, machine, async (folder, names) => {
    for (const claim of claimsIn(folder, [...names])) {
      if (claim.digest === digest) await remove(claim.path);
    }
  });
}

/**
 * Removes a set whose certificate was not registered after all.
 * @throws MsmqCertError file-unwritable
 */
export async function removeKeyFiles(files: KeyFiles): Promise<void> {
  // The certificate first: what is left after a crash is then an incomplete set, which is swept.
  await remove(files.certificate);
  await remove(files.pfx);
  if (files.passphrase !== null) await remove(files.passphrase);
  await remove(claimOf(files));
}

function claimOf({ certificate }: KeyFiles): string {
  return ownClaim(dirname(certificate), basename(certificate, '.cer'));
}

/**
 * Takes over the complete sets that a crashed run left for this account and machine. They now belong to this
 * process, which has to settle or remove each of them: only the directory knows whether one is registered.
 * @throws MsmqCertError file-unwritable
 */
export async function adoptAbandoned(out: string, account: string, machine: string): Promise<KeyFiles[]> {
  return inFolder(out, account, machine, async (folder, names) => {
    const adopted: KeyFiles[] = [];
    for (const claim of await abandonedClaims(folder, names)) {
      if (!isComplete(claim, names) || !(await takeOver(claim, folder))) continue;
      for (const name of temporaryNames(claim.digest)) await remove(join(folder, name));
      adopted.push(keySet(folder, claim.digest, names.has(`${claim.digest}.pass`)));
    }
    return adopted;
  });
}

/**
 * Removes what a crashed run left unfinished for this account and machine, and says what it removed. A set without a
 * certificate was never registered. Sets that another process works on, and settled ones, are not touched.
 * @throws MsmqCertError file-unwritable
 */
export async function sweepIncomplete(out: string, account: string, machine: string): Promise<string[]> {
  return inFolder(out, account, machine, async (folder, names) => {
    const swept: string[] = [];
    for (const claim of await abandonedClaims(folder, names)) {
      if (names.has(`${claim.digest}.cer`)) continue;
      const remains = unfinishedNames(claim.digest).filter((name) => names.has(name));
      const paths = [...remains.map((name) => join(folder, name)), claim.path];
      for (const path of paths) await remove(path);
      swept.push(...paths);
    }
    return swept;
  });
}

function isComplete({ digest }: Claim, names: ReadonlySet<string>): boolean {
  return names.has(`${digest}.cer`) && names.has(`${digest}.pfx`);
}

function unfinishedNames(digest: string): string[] {
  return [...finalNames(digest), ...temporaryNames(digest)];
}

function finalNames(digest: string): string[] {
  return ['cer', 'pfx', 'pass'].map((extension) => `${digest}.${extension}`);
}

function temporaryNames(digest: string): string[] {
  return finalNames(digest).map(temporaryName);
}

async function inFolder<T>(
  out: string,
  account: string,
  machine: string,
  work: (folder: string, names: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  try {
    const folder = await machineFolder(out, account, machine);
    return await work(folder, new Set(await folderEntries(folder)));
  } catch (error) {
    throw writeError(accountFolder(out, account), error);
  }
}

async function abandonedClaims(folder: string, names: ReadonlySet<string>): Promise<Claim[]> {
  const abandoned: Claim[] = [];
  for (const claim of claimsIn(folder, [...names])) {
    if (await isAbandoned(claim)) abandoned.push(claim);
  }
  return abandoned;
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw writeError(path, error);
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
  const [line = ''] = decode(await readPassphraseFile(file), file).split(/\r?\n/, 1);
  if (line !== '') return line;
  throw new MsmqCertError('usage', `the first line of the passphrase file ${file} is empty`, {
    hint: 'write the passphrase into the first line',
  });
}

async function readPassphraseFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new MsmqCertError('file-unreadable', `cannot read the passphrase file ${file} (${systemCode(error)})`, {
      hint: 'give a file that this account can read with --passphrase-file',
      cause: error,
    });
  }
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
