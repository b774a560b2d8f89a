import { dirname, resolve } from 'node:path';
import { journalFolder, refuseAtWork, takeNamed } from '../../journal/find.ts';
import { type Journal, noJournal, resumeJournal } from '../../journal/write.ts';
import type { ApplyContext } from '../../run/apply.ts';
import type { RunEnd } from '../render/run-report.ts';
import type { RunSettings } from '../settings.ts';
import { tellWaiting } from './journals.ts';
import type { Run } from './run.ts';

/**
 * The journal of the run that is put back, which nobody goes on with from its first write on.
 * @throws MsmqCertError file-locked while that run goes on
 */
export async function takeUndone({ undoes }: Run, settings: RunSettings): Promise<Journal> {
  if (undoes === null) return noJournal;
  const onWait = () => tellWaiting(undoes.path, settings);
  if (!settings.dryRun) return await resumeJournal(await takeNamed(undoes.path, onWait), null);
  await refuseAtWork(undoes.path, onWait);
  return noJournal;
}

/** The same safeguards, after it was written down once that the run of this journal is put back. */
export function afterUndo(undone: Journal, beforeWrite: ApplyContext['beforeWrite']): ApplyContext['beforeWrite'] {
  let written: Promise<void> | null = null;
  return async (...facts) => {
    written ??= undone.undo();
    await written;
    return await beforeWrite(...facts);
  };
}

/** Where msmq-cert keys finds what this run, or the one that it puts back, has made. */
export function keysOf(out: string, journal: string | null): RunEnd['keys'] {
  const isUsual = journal === null || resolve(dirname(journal)) === resolve(journalFolder(out));
  return { out, journal: isUsual ? null : journal };
}
