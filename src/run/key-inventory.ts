import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import limit from 'p-limit';
import type { Pair } from '../blob/pair.ts';
import type { KeptAs } from '../certificate/key-files/custody.ts';
import { type KeyFiles, keySetIn } from '../certificate/key-files/key-files.ts';
import { folderEntries } from '../certificate/key-files/key-folder.ts';
import { readKeySet } from '../certificate/key-files/key-set.ts';
import { type Directory, type Listing, type User, userKey } from '../directory/directory.ts';
import { toMsmqCertError } from '../errors.ts';
import { isAtWork } from '../files/heartbeat.ts';
import { checkOwn } from '../files/own-folder.ts';
import { readNamed, takeNamed } from '../journal/find.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { UserHistory } from '../journal/users.ts';
import { type Journal, resumeJournal } from '../journal/write.ts';
import { custodyOf, dropKeySet, isIn } from './own-key-sets.ts';

/** A key set below the folder of the key files. */
export interface FoundKeySet {
  folder: string;
  /** MD5 of its certificate, 32 hex digits. */
  digest: string;
  files: KeyFiles;
  /** The run that made it, where a journal was found that names it. */
  origin: Origin | null;
  /** What is wrong with its files, null when nothing is. */
  problem: string | null;
  /** `in-use`: its run is at work. `torn`: unregistered like `orphaned`, and not whole. */
  state: 'registered' | 'in-use' | 'orphaned' | 'torn';
}

/** What is not a folder of an account below the folder of the key files. */
const OTHER_FOLDERS: ReadonlySet<string> = new Set(['journal', 'backup']);
const keyFileName = /^([0-9a-f]{32})\.(?:cer|(?:pfx|pass)(?:\.p7m)?)(?:\.tmp)?$/;
/** What a run gave its torn key sets: see setAside. */
const asideName = /^([0-9a-f]{32})\.(?:cer|(?:pfx|pass)(?:\.p7m)?)(\.[0-9a-f]{8}\.set-aside)$/;
const DIGESTS_AT_ONCE = 50;
const SETS_AT_ONCE = 8;

/**
 * The key sets below a folder, and what has become of each.
 * @param journals those that say which run made which set
 * @param onUnread called for a journal that cannot be read
 * @throws MsmqCertError untrusted-path, file-unreadable, and what the directory says
 */
export async function keyInventory(
  out: string,
  journals: readonly string[],
  directory: Directory & Listing,
  onWait: (journal: string) => void,
  onUnread: (journal: string, why: string) => void,
): Promise<FoundKeySet[]> {
  await checkOwn(out);
  const origins = await originsIn(journals, onUnread);
  const sets = await setsBelow(out, origins);
  const named = sets.flatMap(({ digest }) => origins.get(digest) ?? []);
  const atWork = new Set<string>();
  for (const journal of new Set(named.map((origin) => origin.journal))) {
    if (await isAtWork(journal, () => onWait(journal))) atWork.add(journal);
  }
  const registered = await registeredAmong(sets, origins, directory);
  return await limit(SETS_AT_ONCE).map(sets, async ({ folder, digest, files }): Promise<FoundKeySet> => {
    const origin = isAside(files) ? null : (origins.get(digest) ?? null);
    const problem = await problemOf(files, digest, origin);
    const isBusy = origin !== null && atWork.has(origin.journal);
    const state = registered.has(digest) ? 'registered' : isBusy ? 'in-use' : problem === null ? 'orphaned' : 'torn';
    return { folder, digest, files, origin, problem, state };
  });
}

/**
 * Removes the key sets that belong to no registered certificate: each after its journal is taken, so that its run cannot
 * go on with it, and after the directory was read again. Those that no journal names stay.
 * @returns the removed ones
 * @throws MsmqCertError file-unwritable, and what the directory says
 */
export async function removeOrphaned(
  sets: readonly FoundKeySet[],
  directory: Directory & Listing,
  onWait: (journal: string) => void,
): Promise<FoundKeySet[]> {
  const removable = sets.filter(({ state, origin }) => origin !== null && (state === 'orphaned' || state === 'torn'));
  const byJournal = Map.groupBy(removable, ({ origin }) => origin?.journal ?? '');
  const removed: FoundKeySet[] = [];
  for (const [path, ofJournal] of byJournal) {
    const taken = await takeNamed(path, () => onWait(path));
    const journal = await resumeJournal(taken, null);
    try {
      for (const set of ofJournal) if (await removeOne(set, taken.history, directory, journal)) removed.push(set);
    } finally {
      await journal.close();
    }
  }
  return removed;
}

async function removeOne(
  set: FoundKeySet,
  history: JournalHistory,
  directory: Directory & Listing,
  journal: Journal,
): Promise<boolean> {
  const user = set.origin === null ? undefined : history.of(userKey(set.origin.key.user));
  const key = user?.keys.find(({ digest }) => digest === set.digest);
  if (key === undefined) return false;
  const pair = await pairOf(key.user, directory);
  if ((pair !== null && isIn(pair, set.digest)) || (await isHeld([set.digest], directory))) return false;
  return await dropKeySet(key.user, set, journal);
}

interface Origin {
  journal: string;
  key: UserHistory['keys'][number];
}

async function originsIn(
  journals: readonly string[],
  onUnread: (journal: string, why: string) => void,
): Promise<Map<string, Origin>> {
  const origins = new Map<string, Origin>();
  for (const journal of journals) {
    const history = await readNamed(journal).catch((error: unknown) => toMsmqCertError(error));
    if (history instanceof Error) {
      onUnread(journal, history.message);
      continue;
    }
    for (const user of history.users.keys()) {
      for (const key of history.of(user)?.keys ?? []) origins.set(key.digest, { journal, key });
    }
  }
  return origins;
}

type SetOnDisk = Pick<FoundKeySet, 'folder' | 'digest' | 'files'>;

async function setsBelow(out: string, origins: ReadonlyMap<string, Origin>): Promise<SetOnDisk[]> {
  const sets: SetOnDisk[] = [];
  for (const account of await foldersIn(out)) {
    if (OTHER_FOLDERS.has(account)) continue;
    for (const machine of await foldersIn(join(out, account))) {
      const folder = join(out, account, machine);
      const names = await folderEntries(folder);
      const digests = new Set(names.flatMap((name) => keyFileName.exec(name)?.[1] ?? []));
      for (const digest of digests) {
        const keepsPassphrase = names.some((name) => name.startsWith(`${digest}.pass`));
        const kept = keptIn(names, digest, origins.get(digest));
        sets.push({ folder, digest, files: keySetIn(folder, digest, keepsPassphrase, kept) });
      }
      sets.push(...setsAside(folder, names));
    }
  }
  return sets;
}

/** The names of its files say it; that a key sink has the key says only the journal. */
function keptIn(names: readonly string[], digest: string, origin: Origin | undefined): KeptAs {
  const isThere = (start: string) => names.some((name) => name.startsWith(`${digest}.${start}`));
  if (isThere('pfx.p7m') || isThere('pass.p7m')) return 'sealed';
  if (isThere('pfx') || isThere('pass') || origin === undefined) return 'files';
  return custodyOf(origin.key).kind;
}

/** Each set once, whichever of its files there are. */
function setsAside(folder: string, names: readonly string[]): SetOnDisk[] {
  const bySet = new Map<string, SetOnDisk>();
  for (const name of names) {
    const [, digest, suffix] = asideName.exec(name) ?? [];
    if (digest === undefined || suffix === undefined) continue;
    const isSealed = names.includes(`${digest}.pfx.p7m${suffix}`) || names.includes(`${digest}.pass.p7m${suffix}`);
    const keepsPassphrase = names.includes(`${digest}.pass${suffix}`);
    const { pfx, certificate, passphrase } = keySetIn(folder, digest, keepsPassphrase, isSealed ? 'sealed' : 'files');
    const files = {
      pfx: pfx === null ? null : pfx + suffix,
      certificate: certificate + suffix,
      passphrase: passphrase === null ? null : passphrase + suffix,
    };
    bySet.set(digest + suffix, { folder, digest, files });
  }
  return [...bySet.values()];
}

function isAside({ certificate }: KeyFiles): boolean {
  return certificate.endsWith('.set-aside');
}

async function foldersIn(folder: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await folderEntries(folder)) {
    if ((await lstat(join(folder, name))).isDirectory()) folders.push(name);
  }
  return folders;
}

async function problemOf(files: KeyFiles, digest: string, origin: Origin | null): Promise<string | null> {
  if (isAside(files)) return 'set aside, as it is not what its run wrote';
  const custody = origin === null ? null : custodyOf(origin.key);
  const state = await readKeySet(files, digest, custody).catch((error: unknown) => toMsmqCertError(error));
  if (state instanceof Error) return state.message;
  if (state.kind === 'torn') return `${state.file} ${state.why}`;
  return state.kind === 'whole' ? null : `${files.certificate} was never finished`;
}

/** By mSMQDigests of anybody within reach, and by both attributes of the user that a set was made for. */
async function registeredAmong(
  sets: readonly SetOnDisk[],
  origins: ReadonlyMap<string, Origin>,
  directory: Directory & Listing,
): Promise<Set<string>> {
  const registered = new Set<string>();
  const note = (pair: Pair | null, digests: readonly string[]) => {
    for (const digest of digests) if (pair !== null && isIn(pair, digest)) registered.add(digest);
  };
  const named = sets.flatMap(({ digest }) => origins.get(digest) ?? []);
  for (const keys of Map.groupBy(named, ({ key }) => key.user.dn).values()) {
    const [first] = keys;
    if (first !== undefined)
      note(
        await pairOf(first.key.user, directory),
        keys.map(({ key }) => key.digest),
      );
  }
  const others = sets.map(({ digest }) => digest).filter((digest) => !registered.has(digest));
  for (let start = 0; start < others.length; start += DIGESTS_AT_ONCE) {
    const chunk = others.slice(start, start + DIGESTS_AT_ONCE);
    if (!(await isHeld(chunk, directory))) continue;
    for (const digest of chunk) if (await isHeld([digest], directory)) registered.add(digest);
  }
  return registered;
}

async function isHeld(digests: readonly string[], directory: Listing): Promise<boolean> {
  const { users } = await directory.findByDigest(digests.map((digest) => Buffer.from(digest, 'hex')));
  return users.length > 0;
}

/** Null when there is no such user any more. */
async function pairOf({ sid, dn }: Pick<User, 'sid' | 'dn'>, directory: Directory): Promise<Pair | null> {
  try {
    return await directory.read(await directory.findUser(sid ?? dn));
  } catch (thrown) {
    if (toMsmqCertError(thrown).code === 'user-not-found') return null;
    throw thrown;
  }
}
