import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { command } from '../../advice.ts';
import { counted } from '../../counted.ts';
import type { Directory } from '../../directory/directory.ts';
import { MsmqCertError } from '../../errors.ts';
import { journalFolder, newJournalPath, refuseAtWork, takeEarlier, takeNamed } from '../../journal/find.ts';
import { beginNew, goOnWith, type OpenJournal } from '../../journal/open.ts';
import {
  fingerprintOf,
  giveBack,
  type Journal,
  noJournal,
  resumeJournal,
  type TakenJournal,
} from '../../journal/write.ts';
import type { Request } from '../../plan/request.ts';
import type { ApplyContext } from '../../run/apply.ts';
import type { RunEnd } from '../render/run-sink.ts';
import type { RunSettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { delivers } from './hooks.ts';
import type { Run } from './run.ts';

/**
 * The journal of a run: that of the same run when it was cut short, or a new one. One that has nothing to tell in the
 * end is removed.
 * @throws MsmqCertError file-exists, file-locked, file-unwritable, invalid-journal, untrusted-path
 */
export async function openJournal(asked: Run, settings: RunSettings, directory: Directory): Promise<OpenJournal> {
  const { request, targets, everyone, shard, queued, keys } = asked;
  const name = settings.directory ?? '';
  const addressed = { ...(everyone && { everyone }), ...(shard && { shard }), ...(queued && { queued }) };
  const fingerprint = fingerprintOf({ request, targets, ...addressed, keys, directory: name });
  const earlier =
    asked.resume === null
      ? await findEarlier(keys.out, fingerprint, settings)
      : await takeNamed(asked.resume, () => tellWaiting(asked.resume ?? '', settings));
  if (earlier !== null) return await goOn(earlier, directory.server, request, settings);

  const path = settings.journal ?? newJournalPath(keys.out, request.verb, fingerprint);
  return await beginNew(path, fingerprint, {
    request,
    targets,
    ...addressed,
    keys,
    directory: name,
    server: directory.server,
    bind: settings.bind ?? null,
    delivers: delivers(request, settings),
  });
}

/** The last sign of life of a run is too recent to tell whether it was killed. */
export function tellWaiting(path: string, { quiet }: RunSettings): void {
  if (!quiet) tell(`waiting a few seconds to see whether the run of ${path} is still at work`);
}

async function goOn(
  taken: TakenJournal,
  server: string,
  request: Request,
  settings: RunSettings,
): Promise<OpenJournal> {
  const { path, history } = taken;
  const { quiet } = settings;
  const done = [...history.users.values()].filter(({ last }) => last === 'swapped').length;
  if (!quiet)
    tell(`going on with the run of ${path}: ${done} ${done === 1 ? 'user was' : 'users were'} written before`);
  if (history.tornBytes > 0)
    tell(`the last line of ${path} was torn by a crash; ${counted(history.tornBytes, 'byte')} dropped`);
  return await goOnWith(taken, { server, delivers: delivers(request, settings) });
}

async function findEarlier(out: string, fingerprint: string, settings: RunSettings): Promise<TakenJournal | null> {
  const { journal, newRun, resumeWithin, quiet } = settings;
  if (journal !== undefined) return existsSync(journal) ? await takeGiven(journal, fingerprint, settings) : null;
  if (newRun) return null;
  const { taken, old } = await takeEarlier(out, fingerprint, resumeWithin, (path) => tellWaiting(path, settings));
  if (taken === null && !quiet) for (const path of old) tell(oldText(path));
  return taken;
}

/** The journal that --journal names is there already. */
async function takeGiven(path: string, fingerprint: string, settings: RunSettings): Promise<TakenJournal> {
  const taken = await takeNamed(path, () => tellWaiting(path, settings));
  const { run, end, undone } = taken.history;
  const isYoung = Date.now() - Date.parse(run.at) <= settings.resumeWithin;
  if (run.fingerprint === fingerprint && end === null && !undone && isYoung && !settings.newRun) return taken;
  await giveBack(taken);
  throw new MsmqCertError('file-exists', `the journal ${path} is that of another run, or an old one`, {
    hint: `name another file, or take up that run: ${command('resume', [path])}`,
  });
}

function oldText(path: string): string {
  return `a run of the same command was cut short longer ago than --resume-within says, and is left alone: ${command('resume', [path])} goes on with it`;
}

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
