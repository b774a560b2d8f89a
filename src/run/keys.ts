import { toHex } from '../blob/digest.ts';
import { newEntry } from '../blob/edit.ts';
import { type HashName, issueCertificate, type KeySize } from '../certificate/issue.ts';
import { type Custody, type KeyHandover, mainFile, sha256 } from '../certificate/key-files/custody.ts';
import {
  type KeyContent,
  keyFilesOf,
  randomPassphrase,
  removeTemporaryNames,
  setAside,
  writeKeyFiles,
} from '../certificate/key-files/key-files.ts';
import { meetsDemands, readKeySet } from '../certificate/key-files/key-set.ts';
import { sameMachine } from '../certificate/machine.ts';
import { buildPfx, type PfxEncryption } from '../certificate/pkcs12/pkcs12.ts';
import { seal } from '../certificate/sealing/envelope.ts';
import type { Owner, SubjectTemplate } from '../certificate/subject.ts';
import type { User } from '../directory/directory.ts';
import type { Journal } from '../journal/write.ts';
import { readExternal } from '../plan/external.ts';
import type { Addition } from '../plan/plan.ts';
import type { Prepared } from '../plan/results.ts';
import { giveToSink } from './key-sink.ts';
import type { OwnKeySet, OwnKeySets } from './own-key-sets.ts';

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
  /** Key files unless something else is given. */
  handover?: KeyHandover;
  /** How long ago a key may have been made that an earlier process of the same run left. */
  maxAgeMs: number;
}

/** What making a key set depends on besides what is asked for. */
export interface KeyMaking {
  policy: KeyPolicy;
  journal: Journal;
  /** Runs a job when a core is free: keys cost much, waiting for the disk does not. */
  whenCoreIsFree: <T>(job: () => Promise<T>) => Promise<T>;
  /** The key sets of the user that the journal of this run names. */
  own: OwnKeySets;
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
 * Gets an addition ready: key first. A key set that an earlier process of this very run made for the user and the machine
 * is used before a new one is made. Those of other runs are never touched.
 */
export async function prepare(user: User, addition: Addition, making: KeyMaking): Promise<Prepared> {
  const { source } = addition;
  if (source.kind === 'external') {
    return { entry: newEntry(await readExternal(source)), digest: source.digest, files: null };
  }
  return (await useEarlier(user, addition, making)) ?? (await makeKeySet(user, addition, making));
}

/** RFC 7292 §4 asks for at least this many. 150 random bits gain nothing by more, and the hashing is what a PFX costs. */
const RANDOM_PASSPHRASE_ITERATIONS = 1024;

async function makeKeySet(user: User, addition: Addition, making: KeyMaking): Promise<Prepared> {
  const { policy, journal, whenCoreIsFree, own, makePfx } = making;
  const machine = addition.machine ?? '';
  const owner = { account: user.account, machine };
  const passphrase = policy.passphrase ?? randomPassphrase();
  const { certificate, pfx } = await whenCoreIsFree(() => makePfx(owner, addition, policy, passphrase));
  const entry = newEntry(certificate);
  const digest = toHex(entry.digest);
  const kept = await keepKey({ pfx, certificate, passphrase }, policy);
  const files = await keyFilesOf({ out: policy.out, ...owner, digest }, policy.passphrase === null, kept.custody.kind);
  await journal.key(user, machine, digest, files, kept.custody);
  own.add({ machine, digest, files, custody: kept.custody, fate: 'made' });
  if (policy.handover?.kind === 'sink') {
    await giveToSink(policy.handover.sink, { user, machine, digest, certificate, pfx, passphrase });
    await journal.keyTaken(user, digest);
    own.add({ machine, digest, files, custody: { kind: 'sink', taken: true }, fate: 'made' });
  }
  await writeKeyFiles(files, kept.content);
  return { entry, digest, files };
}

interface MadeKey {
  pfx: Buffer;
  certificate: Buffer;
  passphrase: string;
}

/** What of a new key comes on the disk, and how its journal knows it again. */
async function keepKey(
  { pfx, certificate, passphrase }: MadeKey,
  { handover = { kind: 'files' }, passphrase: given }: KeyPolicy,
): Promise<{ content: KeyContent; custody: Custody }> {
  switch (handover.kind) {
    case 'files':
      return {
        content: { pfx, certificate, passphrase: given === null ? passphrase : null },
        custody: { kind: 'files' },
      };
    case 'sink':
      return { content: { pfx: null, certificate, passphrase: null }, custody: { kind: 'sink', taken: false } };
    case 'sealed': {
      const sealed = {
        pfx: await seal(pfx, handover),
        passphrase: await seal(Buffer.from(`${passphrase}\n`), handover),
      };
      const hashes = { pfx: sha256(sealed.pfx), passphrase: sha256(sealed.passphrase) };
      const { recipient, padding } = handover;
      return {
        content: { ...sealed, certificate },
        custody: { kind: 'sealed', recipient: recipient.sha256, padding, ...hashes },
      };
    }
  }
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

async function useEarlier(user: User, addition: Addition, making: KeyMaking): Promise<Prepared | null> {
  const machine = addition.machine ?? '';
  for (const set of making.own.reusable()) {
    if (!sameMachine(set.machine, machine)) continue;
    const state = await readKeySet(set.files, set.digest, set.custody);
    if (state.kind === 'torn') await putAside(user, set, `${state.file} ${state.why}`, making);
    if (state.kind === 'whole' && meetsDemands(state, demandsOf(user, addition, making.policy))) {
      await removeTemporaryNames(set.files);
      return { entry: newEntry(state.certificate), digest: set.digest, files: set.files };
    }
  }
  return null;
}

function demandsOf({ account }: User, { machine, validForMs }: Addition, policy: KeyPolicy) {
  const name = machine ?? '';
  return { ...policy, account, machine: name, validForMs: validForMs ?? policy.validForMs, now: new Date() };
}

/** What is not what the run wrote is of no use to it, but may be to somebody who looks into what happened. */
async function putAside(user: User, set: OwnKeySet, why: string, { journal, own }: KeyMaking): Promise<void> {
  await journal.dropKey(user, set.digest);
  await journal.assertHeld();
  const moved = await setAside(set.files);
  own.leave(set, { kind: 'set-aside', path: moved[0] ?? mainFile(set.files), why });
}
