import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MsmqCertError, systemCode } from '../errors.ts';
import { readError } from '../files/file-errors.ts';
import { isAtWork, PULSE } from '../files/heartbeat.ts';
import { checkOwn } from '../files/own-folder.ts';
import { type JournalHistory, readJournal } from './read.ts';
import { giveBack, type TakenJournal, takeJournal } from './write.ts';

/** The folder of journals below the folder of the key files. */
export function journalFolder(out: string): string {
  return join(out, 'journal');
}

/** Where a new run writes its journal: named by when, what, and the fingerprint of what it was asked for. */
export function newJournalPath(out: string, verb: string, fingerprint: string): string {
  // with milliseconds: runs are taken up in the order of their names
  const at = new Date().toISOString().replaceAll(/[-:.]/g, '');
  return join(journalFolder(out), `${at}-${verb}-${randomBytes(4).toString('hex')}-${fingerprint}.ndjson`);
}

/** What was found of earlier runs that were asked for the same. */
export interface Earlier {
  /** The newest one that was cut short: this process has taken it. */
  taken: TakenJournal | null;
  /** Those that were cut short too long ago to be taken up by themselves. */
  old: string[];
}

/**
 * Looks for the newest run with this fingerprint that was cut short, and takes it: the same command goes on with it.
 * @param withinMs how long ago it may have begun
 * @param onWait called with a journal whose run may be dead or not, while that is found out
 * @throws MsmqCertError file-unreadable, untrusted-path, file-unwritable
 */
export async function takeEarlier(
  out: string,
  fingerprint: string,
  withinMs: number,
  onWait: (journal: string) => void,
  pulse = PULSE,
): Promise<Earlier> {
  const earlier: Earlier = { taken: null, old: [] };
  for (const path of (await journalsIn(journalFolder(out))).reverse()) {
    if (!path.endsWith(`-${fingerprint}.ndjson`)) continue;
    const history = await readJournal(path).catch(() => null);
    if (history === null || !history.complete || history.end !== null || history.undone) continue;
    if (Date.now() - Date.parse(history.run.at) > withinMs) earlier.old.push(path);
    else if (earlier.taken === null) {
      const taken = await takeJournal(path, () => onWait(path), pulse);
      if (taken === null) continue;
      // it may have come to its end since it was looked at
      if (taken.history.end === null && !taken.history.undone) earlier.taken = taken;
      else await giveBack(taken);
    }
  }
  return earlier;
}

/**
 * Takes a journal that somebody named.
 * @throws MsmqCertError file-locked while its run goes on, and what takeJournal throws
 */
export async function takeNamed(path: string, onWait: () => void, pulse = PULSE): Promise<TakenJournal> {
  const taken = await takeJournal(path, onWait, pulse);
  if (taken === null) throw stillAtWork(path);
  return taken;
}

/**
 * Reads a journal that somebody named.
 * @throws MsmqCertError untrusted-path, and what readJournal refuses
 */
export async function readNamed(path: string): Promise<JournalHistory> {
  await checkOwn(path);
  return await readJournal(path);
}

/**
 * For a dry run, which takes nothing.
 * @throws MsmqCertError file-locked while its run goes on
 */
export async function refuseAtWork(path: string, onWait: () => void, pulse = PULSE): Promise<void> {
  if (await isAtWork(path, onWait, pulse)) throw stillAtWork(path);
}

function stillAtWork(path: string): MsmqCertError {
  return new MsmqCertError('file-locked', `the run of ${path} is still at work`, {
    hint: 'wait for it to end, or stop it',
  });
}

/**
 * The journals in a folder, the oldest first.
 * @throws MsmqCertError file-unreadable
 */
export async function journalsIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    const code = systemCode(error);
    // where a file is in the way, making a new journal says so
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    const hint =
      'a run that was cut short would be found there; choose another folder with --out or a file with --journal';
    throw readError(`the journals in ${folder}`, error, { hint });
  }
}
