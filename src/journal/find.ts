import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../certificate/key-files/key-claim.ts';
import { MsmqCertError, systemCode } from '../errors.ts';
import { type JournalHistory, readJournal } from './read.ts';

/** The folder of journals below the folder of the key files. */
export function journalFolder(out: string): string {
  return join(out, 'journal');
}

/** Where a new run writes its journal: named by when, what, and the fingerprint of what it was asked for. */
export function newJournalPath(out: string, verb: string, fingerprint: string): string {
  const at = new Date().toISOString().replaceAll(/[-:]/g, '').replace(/[.].*/, 'Z');
  return join(journalFolder(out), `${at}-${verb}-${process.pid}-${fingerprint}.ndjson`);
}

export interface Unfinished {
  path: string;
  history: JournalHistory;
}

/**
 * The newest run with this fingerprint that was cut short, if there is one: the same command goes on with it.
 * @throws MsmqCertError file-unreadable
 */
export async function findUnfinished(out: string, fingerprint: string): Promise<Unfinished | null> {
  const names = (await namesIn(journalFolder(out))).filter((name) => name.endsWith(`-${fingerprint}.ndjson`));
  for (const name of names.sort().reverse()) {
    const path = join(journalFolder(out), name);
    const history = await readJournal(path).catch(() => null);
    if (history?.complete && !history.ended && !isAtWork(history)) return { path, history };
  }
  return null;
}

/**
 * Reads a journal that somebody wanted to take up.
 * @throws MsmqCertError file-locked while its run goes on, and what readJournal refuses
 */
export async function readForResume(path: string): Promise<JournalHistory> {
  const history = await readJournal(path);
  if (isAtWork(history)) {
    throw new MsmqCertError('file-locked', `the run of ${path} is still at work, as process ${history.process.pid}`, {
      hint: 'wait for it to end, or stop it',
    });
  }
  return history;
}

function isAtWork({ process: worker, ended }: JournalHistory): boolean {
  return !ended && worker.host === hostname() && worker.pid !== process.pid && isRunning(worker.pid);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = systemCode(error);
    // where a file is in the way, making a new journal says so
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new MsmqCertError('file-unreadable', `the journals in ${folder} cannot be read: ${code ?? 'unknown error'}`, {
      hint: 'a run that was cut short would be found there; choose another folder with --out or a file with --journal',
      cause: error,
    });
  }
}
