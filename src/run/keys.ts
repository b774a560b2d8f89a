import { readFile } from 'node:fs/promises';
import { toHex } from '../blob/digest.ts';
import { newEntry } from '../blob/edit.ts';
import type { HashName, KeySize } from '../certificate/issue.ts';
import { issueCertificate } from '../certificate/issue.ts';
import {
  adoptAbandoned,
  type KeyFiles,
  randomPassphrase,
  removeKeyFiles,
  settleKeyFiles,
  settleRegistered,
  sweepIncomplete,
  writeKeyFiles,
} from '../certificate/key-files/key-files.ts';
import { sameMachine } from '../certificate/machine.ts';
import { buildPfx, type PfxEncryption, pfxHolds } from '../certificate/pkcs12/pkcs12.ts';
import { readSubject, type SubjectTemplate } from '../certificate/subject.ts';
import { describeCertificate } from '../certificate/x509/describe.ts';
import type { User } from '../directory/directory.ts';
import { readExternal } from '../plan/external.ts';
import type { Addition } from '../plan/plan.ts';
import type { Prepared } from '../plan/results.ts';

/** How new keys are made and where they go. */
export interface KeyPolicy {
  out: string;
  keySize: KeySize;
  hash: HashName;
  validForMs: number;
  subject: SubjectTemplate;
  encryption: PfxEncryption;
  /** One passphrase for every PFX, or null for a new random one each, written beside it. */
  passphrase: string | null;
}

/** What making a key set depends on besides what is asked for. */
export interface Workshop {
  policy: KeyPolicy;
  /** Runs a job when a core is free: keys cost much, waiting for the disk does not. */
  whenCoreIsFree: <T>(job: () => Promise<T>) => Promise<T>;
  isRegistered(digest: string): boolean;
  makePfx: MakePfx;
}

/** Makes a key and its certificate, and puts both into a PFX. */
export type MakePfx = (
  owner: Owner,
  addition: Addition,
  policy: KeyPolicy,
  passphrase: string,
) => Promise<{ certificate: Buffer; pfx: Buffer }>;

/**
 * Gets an addition ready: key first. A key set that a crashed run left for this user and machine is used before a new
 * one is made, unless its certificate has been registered after all.
 */
export async function prepare(user: User, addition: Addition, workshop: Workshop): Promise<Prepared> {
  const { source, machine } = addition;
  if (source.kind === 'external') {
    return { entry: newEntry(await readExternal(source.file, source.digest)), digest: source.digest, files: null };
  }
  const owner = { account: user.account, machine: machine ?? '' };
  await sweepIncomplete(workshop.policy.out, owner.account, owner.machine);
  const leftover = await useLeftover(owner, workshop);
  return leftover ?? (await makeKeySet(owner, addition, workshop));
}

/** The certificate is registered: its key files are no longer provisional. */
export async function settle(prepared: Prepared): Promise<void> {
  if (prepared.files !== null) await settleKeyFiles(prepared.files);
}

/** The machine has a registered certificate already: a run that was killed may have left files that say otherwise. */
export async function tidy(user: User, machine: string, digest: string, { out }: KeyPolicy): Promise<void> {
  await sweepIncomplete(out, user.account, machine);
  await settleRegistered(out, user.account, machine, digest);
}

/** The certificate was not registered and will not be: its key is worth nothing. */
export async function discard(prepared: Prepared): Promise<void> {
  if (prepared.files !== null) await removeKeyFiles(prepared.files);
}

/** RFC 7292 §4 asks for at least this many. 150 random bits gain nothing by more, and the hashing is what a PFX costs. */
const RANDOM_PASSPHRASE_ITERATIONS = 1024;

/** Whose key it is. */
export interface Owner {
  account: string;
  machine: string;
}

async function makeKeySet(owner: Owner, addition: Addition, workshop: Workshop): Promise<Prepared> {
  const { policy, whenCoreIsFree, makePfx } = workshop;
  const passphrase = policy.passphrase ?? randomPassphrase();
  const { certificate, pfx } = await whenCoreIsFree(() => makePfx(owner, addition, policy, passphrase));
  const entry = newEntry(certificate);
  const digest = toHex(entry.digest);
  const files = await writeKeyFiles(
    { out: policy.out, ...owner, digest },
    { pfx, certificate, passphrase: policy.passphrase === null ? passphrase : null },
  );
  return { entry, digest, files };
}

export const makePfx: MakePfx = async (owner, addition, policy, passphrase) => {
  const { certificate, privateKey } = await issueCertificate({
    ...owner,
    subject: policy.subject,
    keySize: policy.keySize,
    hash: policy.hash,
    validForMs: addition.validForMs ?? policy.validForMs,
    now: new Date(),
  });
  const pfx = buildPfx({
    certificate,
    privateKey,
    passphrase,
    friendlyName: `MSMQ ${owner.account}, ${owner.machine}`,
    encryption: policy.encryption,
    ...(policy.passphrase === null && { iterations: RANDOM_PASSPHRASE_ITERATIONS }),
  });
  return { certificate, pfx };
};

async function useLeftover(owner: Owner, { policy, isRegistered }: Workshop): Promise<Prepared | null> {
  for (const files of await adoptAbandoned(policy.out, owner.account, owner.machine)) {
    const certificate = await readFile(files.certificate);
    const entry = newEntry(certificate);
    const digest = toHex(entry.digest);
    if (isRegistered(digest)) await settleKeyFiles(files);
    else if (await isUsable(files, certificate, owner, policy)) return { entry, digest, files };
  }
  return null;
}

/** A left-over set serves when it is what this run would make: same owner, same size of key, a passphrase that opens it. */
async function isUsable(files: KeyFiles, certificate: Buffer, owner: Owner, policy: KeyPolicy): Promise<boolean> {
  const facts = describeCertificate(certificate);
  if (facts.kind === 'not-a-certificate') return false;
  const named = readSubject([policy.subject], facts.subject);
  const isOurs = named?.account === owner.account && sameMachine(named.machine, owner.machine);
  if (!isOurs || facts.keyBits !== policy.keySize || facts.notAfter <= new Date()) return false;

  const keepsOwnPassphrase = files.passphrase !== null;
  if (keepsOwnPassphrase !== (policy.passphrase === null)) return false;
  const passphrase = files.passphrase === null ? policy.passphrase : await readFile(files.passphrase, 'utf8');
  return passphrase !== null && pfxHolds(await readFile(files.pfx), passphrase.trimEnd(), certificate);
}
