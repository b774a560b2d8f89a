import { lstat, readFile } from 'node:fs/promises';
import { md5Hex } from '../../blob/digest.ts';
import { MsmqCertError, systemCode } from '../../errors.ts';
import { readError } from '../../files/file-errors.ts';
import { checkOwn } from '../../files/own-folder.ts';
import type { HashName, KeySize } from '../issue.ts';
import { BACKDATED_MS } from '../issue.ts';
import { sameMachine } from '../machine.ts';
import { type PfxEncryption, pfxEncryptions, pfxHolds } from '../pkcs12/pkcs12.ts';
import { readSubject, type SubjectTemplate } from '../subject.ts';
import { describeCertificate } from '../x509/describe.ts';
import { type Custody, type KeyHandover, keptAs, sha256 } from './custody.ts';
import { isThere, type KeyFiles, pathsOf } from './key-files.ts';

/**
 * What is left of a key set on the disk. `unfinished`: its certificate was never given its name, so its run had not come
 * to registering it. `torn`: a file is not what was written.
 */
export type KeySetState =
  | { kind: 'gone' }
  | { kind: 'unfinished' }
  | { kind: 'torn'; file: string; why: string }
  | { kind: 'whole' /** DER. */; certificate: Buffer; key: KeptKey };

/** The key of a whole set; the passphrase is the one kept beside the PFX. */
export type KeptKey =
  | { kind: 'files'; pfx: Buffer; passphrase: string | null }
  | Exclude<Custody, { kind: 'files' }>
  /** Sealed, and nothing says whether it is what was written. */
  | { kind: 'sealed-unknown' };

/**
 * Reads a key set whose certificate has this digest (MD5, 32 hex digits).
 * @param custody what its journal says of its key; null when there is none
 * @throws MsmqCertError untrusted-path, file-unreadable
 */
export async function readKeySet(
  files: KeyFiles,
  digest: string,
  custody: Custody | null = null,
): Promise<KeySetState> {
  const certificate = await read(files.certificate);
  const pfx = files.pfx === null ? null : await read(files.pfx);
  const kept = files.passphrase === null ? null : await read(files.passphrase);
  if (certificate === null) return { kind: (await hasRemains(files)) ? 'unfinished' : 'gone' };
  if (md5Hex(certificate) !== digest)
    return torn(files.certificate, certificate, 'does not hold the certificate it is named by');
  if (files.pfx === null) return { kind: 'whole', certificate, key: takenKey(custody) };
  if (pfx === null) return { kind: 'torn', file: files.pfx, why: 'is gone' };
  if (files.passphrase !== null && kept === null) return { kind: 'torn', file: files.passphrase, why: 'is gone' };
  if (keptAs(files) === 'sealed') return sealedSet(certificate, { ...files, pfx: files.pfx }, pfx, kept, custody);
  const passphrase = kept?.toString('utf8').trimEnd() ?? null;
  if (pfx.length === 0 || (passphrase !== null && !pfxHolds(pfx, passphrase, certificate))) {
    return torn(files.pfx, pfx, 'does not open with its passphrase, or holds another key');
  }
  return { kind: 'whole', certificate, key: { kind: 'files', pfx, passphrase } };
}

function takenKey(custody: Custody | null): KeptKey {
  return custody?.kind === 'sink' ? custody : { kind: 'sink', taken: false };
}

/** Nobody here can open it, so it is whole when it is byte for byte what the journal says. */
function sealedSet(
  certificate: Buffer,
  files: KeyFiles & { pfx: string },
  pfx: Buffer,
  passphrase: Buffer | null,
  custody: Custody | null,
): KeySetState {
  const parts: [string | null, Buffer | null, 'pfx' | 'passphrase'][] = [
    [files.pfx, pfx, 'pfx'],
    [files.passphrase, passphrase, 'passphrase'],
  ];
  for (const [file, bytes, part] of parts) {
    if (file === null || bytes === null) continue;
    const isOther = custody?.kind === 'sealed' && custody[part] !== sha256(bytes);
    if (bytes.length === 0 || isOther) return torn(file, bytes, 'is not what was sealed');
  }
  return { kind: 'whole', certificate, key: custody?.kind === 'sealed' ? custody : { kind: 'sealed-unknown' } };
}

function torn(file: string, bytes: Buffer, why: string): KeySetState {
  return { kind: 'torn', file, why: bytes.length === 0 ? 'is empty' : why };
}

async function hasRemains(files: KeyFiles): Promise<boolean> {
  for (const path of pathsOf(files)) if ((await isThere(path)) || (await isThere(`${path}.tmp`))) return true;
  return false;
}

async function read(path: string): Promise<Buffer | null> {
  try {
    if (!(await lstat(path)).isFile()) throw new MsmqCertError('file-unreadable', `${path} is no plain file`);
    await checkOwn(path);
    return await readFile(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw readError(`the key file ${path}`, error, { hint: 'check who owns it' });
  }
}

/** What a run makes its keys like. */
export interface KeyDemands {
  account: string;
  machine: string;
  subject: SubjectTemplate;
  keySize: KeySize;
  hash: HashName;
  validForMs: number;
  encryption: PfxEncryption;
  /** Null when each PFX has a random one, kept beside it. */
  passphrase: string | null;
  handover?: KeyHandover;
  /** How long ago it may have been made. */
  maxAgeMs: number;
  now: Date;
}

const signatureAlgorithms: Record<HashName, string> = {
  sha1: 'sha1WithRSAEncryption',
  sha256: 'sha256WithRSAEncryption',
  sha384: 'sha384WithRSAEncryption',
  sha512: 'sha512WithRSAEncryption',
};

/** Certificates tell the time in whole seconds. */
const SECOND_MS = 1000;

/** Whether a whole set is what a run would make that demands this. */
export function meetsDemands(set: KeySetState & { kind: 'whole' }, demands: KeyDemands): boolean {
  const facts = describeCertificate(set.certificate);
  if (facts.kind === 'not-a-certificate') return false;
  const owner = readSubject([demands.subject], facts.subject);
  const validForMs = facts.notAfter.getTime() - facts.notBefore.getTime() - BACKDATED_MS;
  const ageMs = demands.now.getTime() - facts.notBefore.getTime() - BACKDATED_MS;
  return (
    owner?.account === demands.account &&
    sameMachine(owner.machine, demands.machine) &&
    facts.keyBits === demands.keySize &&
    facts.signatureAlgorithm === signatureAlgorithms[demands.hash] &&
    Math.abs(validForMs - demands.validForMs) <= SECOND_MS &&
    ageMs <= demands.maxAgeMs &&
    facts.notAfter > demands.now &&
    isKeptAs(set, demands)
  );
}

function isKeptAs({ certificate, key }: KeySetState & { kind: 'whole' }, demands: KeyDemands): boolean {
  const { passphrase, encryption, handover = { kind: 'files' } } = demands;
  switch (key.kind) {
    case 'files':
      return handover.kind === 'files' && isProtectedAs(certificate, key, passphrase, encryption);
    // a passphrase that was given may be another one by now, and nobody here can look
    case 'sealed': {
      const isTheirs = handover.kind === 'sealed' && handover.recipient.sha256 === key.recipient;
      return isTheirs && handover.padding === key.padding && passphrase === null;
    }
    case 'sink':
      return handover.kind === 'sink' && key.taken && passphrase === null;
    case 'sealed-unknown':
      return false;
  }
}

function isProtectedAs(
  certificate: Buffer,
  key: KeptKey & { kind: 'files' },
  passphrase: string | null,
  encryption: PfxEncryption,
): boolean {
  if ((key.passphrase === null) !== (passphrase !== null)) return false;
  const opens = key.passphrase ?? passphrase ?? '';
  const used = pfxHolds(key.pfx, opens, certificate) ? pfxEncryptions(key.pfx, opens) : [];
  return used.length > 0 && used.every((each) => each === encryption);
}
