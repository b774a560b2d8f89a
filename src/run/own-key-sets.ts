import { toHex } from '../blob/digest.ts';
import { examine } from '../blob/findings.ts';
import type { Pair } from '../blob/pair.ts';
import { type Custody, mainFile } from '../certificate/key-files/custody.ts';
import { type KeyFiles, keyFilesOf, removeKeyFiles } from '../certificate/key-files/key-files.ts';
import { readKeySet } from '../certificate/key-files/key-set.ts';
import type { Directory, User } from '../directory/directory.ts';
import type { UserHistory } from '../journal/users.ts';
import type { Journal } from '../journal/write.ts';
import type { LeftKeys, UserResult } from '../plan/results.ts';

/**
 * A key set that the journal of this run names. `made`: nothing that could have registered it is known. `unknown`: a
 * write that was to register it may have reached the directory, or still may. `registered`: it was once. `dropped`: it was
 * about to be removed, and a kill may have come first.
 */
export interface OwnKeySet {
  machine: string;
  /** MD5 of its certificate, 32 hex digits. */
  digest: string;
  files: KeyFiles;
  custody: Custody;
  fate: 'made' | 'unknown' | 'registered' | 'dropped';
}

/** The key sets of one user that this run may touch, and what is left of them when it is done with the user. */
export interface OwnKeySets {
  all(): OwnKeySet[];
  /** Those that are worth a look before a new key is made: one that was registered once has had its use. */
  reusable(): OwnKeySet[];
  add(set: OwnKeySet): void;
  /** A write that registers these is on its way. */
  send(digests: readonly string[]): { took(): void; failed(): void };
  /** The run has nothing more to do with the set; with a reason, its owner is told of it. */
  leave(set: OwnKeySet, left: LeftKeys | null): void;
  left(): LeftKeys[];
}

export function ownKeySets(): OwnKeySets {
  const known = new Map<string, OwnKeySet>();
  const left: LeftKeys[] = [];
  return {
    all: () => [...known.values()],
    reusable: () => [...known.values()].filter(({ fate }) => fate === 'made' || fate === 'unknown'),
    add: (set) => known.set(set.digest, set),
    send(digests) {
      const sent = digests.flatMap((digest) => known.get(digest) ?? []);
      const mark = (fate: OwnKeySet['fate'] | null) => {
        for (const set of sent) known.set(set.digest, { ...set, fate: fate ?? set.fate });
      };
      mark('unknown');
      return { took: () => mark('registered'), failed: () => mark(null) };
    },
    leave(set, reason) {
      known.delete(set.digest);
      if (reason !== null) left.push(reason);
    },
    left: () => left,
  };
}

/**
 * The key sets that the journal names for a user. Where they are follows from the folder, the user and the machine: no
 * path is taken from the journal.
 */
export async function earlierKeySets(user: User, history: UserHistory | undefined, out: string): Promise<OwnKeySet[]> {
  const sets = (history?.keys ?? []).map(async (key): Promise<OwnKeySet> => {
    const { machine, digest, files, dropped } = key;
    const target = { out, account: user.account, machine, digest };
    const custody = custodyOf(key);
    return {
      machine,
      digest,
      files: await keyFilesOf(target, files.passphrase !== null, custody.kind),
      custody,
      fate: dropped ? 'dropped' : fateOf(digest, history),
    };
  });
  return await Promise.all(sets);
}

/** What the journal says of where a key is. */
export function custodyOf({ custody, taken }: UserHistory['keys'][number]): Custody {
  if (custody === undefined) return { kind: 'files' };
  return custody.kind === 'sink' ? { kind: 'sink', taken } : custody;
}

function fateOf(digest: string, history: UserHistory | undefined): OwnKeySet['fate'] {
  const swaps = (history?.swaps ?? []).filter(({ intent }) => intent.digestsAdded.includes(digest));
  if (swaps.some(({ outcome }) => outcome?.outcome === 'swapped')) return 'registered';
  return swaps.some(({ outcome }) => outcome === null) ? 'unknown' : 'made';
}

/**
 * Removes the key sets of this run that are of no use any more. One goes only when every write that was to register it
 * is known to have failed, and the directory, read again, has its digest nowhere; otherwise it stays and is named.
 * @param used the digests that the run has registered for the user
 */
export async function dropUnused(
  user: User,
  own: OwnKeySets,
  used: ReadonlySet<string>,
  directory: Directory,
  journal: Journal,
): Promise<void> {
  const unused = (await stillThere(own)).filter(({ digest, fate }) => !used.has(digest) && fate !== 'registered');
  // whoever has taken the journal up has taken them up too
  if (unused.length === 0 || journal.lost.aborted) return;
  const pair = await directory.read(user).catch(() => null);
  for (const set of unused) {
    if (pair !== null && isIn(pair, set.digest)) continue;
    if (pair === null || set.fate === 'unknown' || !(await dropKeySet(user, set, journal))) {
      const isThere = await readKeySet(set.files, set.digest, set.custody).then(
        ({ kind }) => kind !== 'gone',
        () => true,
      );
      own.leave(set, isThere ? { kind: 'orphaned', path: mainFile(set.files) } : null);
    } else own.leave(set, isTaken(set) ? { kind: 'handed-over', account: user.account, digest: set.digest } : null);
  }
}

/** Its files can be removed, what a key sink has cannot. */
function isTaken({ custody }: OwnKeySet): boolean {
  return custody.kind === 'sink' && custody.taken;
}

/** Without those that were dropped, and are gone or were about to be set aside. */
async function stillThere(own: OwnKeySets): Promise<OwnKeySet[]> {
  const sets: OwnKeySet[] = [];
  for (const set of own.all()) {
    const state =
      set.fate === 'dropped' ? await readKeySet(set.files, set.digest, set.custody).catch(() => null) : null;
    if (set.fate !== 'dropped' || state?.kind === 'unfinished' || state?.kind === 'whole') sets.push(set);
  }
  return sets;
}

/** A run that was cut short right after its write may have left what it had no use for. */
export async function withoutSpareKeys(
  result: UserResult,
  history: UserHistory | undefined,
  { directory, journal, keys }: { directory: Directory; journal: Journal; keys: { out: string } },
): Promise<UserResult> {
  const own = ownKeySets();
  for (const set of await earlierKeySets(result.user, history, keys.out).catch(() => [])) own.add(set);
  const used = result.items.flatMap(({ digest }) => digest ?? []);
  await dropUnused(result.user, own, new Set(used), directory, journal);
  return own.left().length === 0 ? result : { ...result, leftKeys: own.left() };
}

/**
 * Removes a key set whose certificate is not registered, unless another process has taken the journal up: that one knows
 * from the journal that the set goes.
 * @returns false when it stays
 */
export async function dropKeySet(
  user: User,
  { digest, files }: Pick<OwnKeySet, 'digest' | 'files'>,
  journal: Journal,
): Promise<boolean> {
  try {
    await journal.dropKey(user, digest);
    await journal.assertHeld();
    await removeKeyFiles(files);
    return true;
  } catch {
    return false;
  }
}

/** Whether a digest is in either half of the pair; of a malformed blob nobody can tell. */
export function isIn(pair: Pair, digest: string): boolean {
  if (pair.digests.some((each) => toHex(each) === digest)) return true;
  const examination = examine(pair);
  if (examination.kind === 'malformed') return true;
  return examination.entries.some((entry) => entry.md5 === digest || entry.digest === digest);
}
