import type { JournalHistory } from './read.ts';
import { beginJournal, type Journal, type RunHeader, resumeJournal, type TakenJournal } from './write.ts';

/** The journal of a run, as it was begun or taken up. */
export type OpenJournal = Journal & {
  /** Null as long as it has nothing to tell. */
  path(): string | null;
  /** What an earlier process of the run had done already. */
  readonly history: JournalHistory | null;
  /** Equal for all runs that were asked for the same. */
  readonly fingerprint: string;
};

/** @throws MsmqCertError file-locked, file-unwritable, disk-full */
export async function goOnWith(taken: TakenJournal, by: Pick<RunHeader, 'server' | 'delivers'>): Promise<OpenJournal> {
  const { path, history } = taken;
  return { ...(await resumeJournal(taken, by)), path: () => path, history, fingerprint: history.run.fingerprint };
}

/**
 * Begins a journal that is removed when it is closed and has nothing to tell.
 * @throws MsmqCertError file-exists, file-unwritable, disk-full, untrusted-path
 */
export async function beginNew(path: string, fingerprint: string, header: RunHeader): Promise<OpenJournal> {
  const journal = await beginJournal(path, header);
  let isTold = false;
  let keys = 0;
  const isEmpty = () => !isTold && keys === 0;
  return {
    ...journal,
    history: null,
    fingerprint,
    path: () => (isEmpty() ? null : path),
    async key(...facts) {
      keys++;
      await journal.key(...facts);
    },
    async dropKey(...facts) {
      await journal.dropKey(...facts);
      keys--;
    },
    async intend(...facts) {
      isTold = true;
      await journal.intend(...facts);
    },
    async hook(...facts) {
      isTold = true;
      await journal.hook(...facts);
    },
    close: () => (isEmpty() ? journal.abandon() : journal.close()),
  };
}
