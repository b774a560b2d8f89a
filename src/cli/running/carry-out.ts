import { dirname, resolve } from 'node:path';
import limit from 'p-limit';
import type { Directory, User } from '../../directory/directory.ts';
import { recordChanges } from '../../directory/ldif/change.ts';
import type { Replicated } from '../../directory/replicas.ts';
import { checkOwn } from '../../files/own-folder.ts';
import { allowInsecureFileSystems } from '../../files/private-files.ts';
import { replicationError, type UserReplication } from '../../inspect/replication/replication.ts';
import { journalFolder, refuseAtWork, takeNamed } from '../../journal/find.ts';
import { type Journal, noJournal, resumeJournal } from '../../journal/write.ts';
import type { Verb } from '../../plan/request.ts';
import type { UserResult } from '../../plan/results.ts';
import { sharedDigestGuard } from '../../plan/shared-digests.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { KEYS_AT_ONCE } from '../../run/perform.ts';
import { limitRate } from '../../run/rate-limit.ts';
import type { RunOutcome } from '../../run/run.ts';
import { withOrphans } from '../../run/undone-keys.ts';
import { openDirectory, openForListing } from '../access/connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { requireFolder } from '../input.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { withMetrics } from '../metrics/with-metrics.ts';
import type { Purpose } from '../options.ts';
import { goOnUnread } from '../pipes.ts';
import { recognitionIn } from '../recognition.ts';
import { type RunEnd, runReport } from '../render/run-report.ts';
import type { KeySettings, RunSettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { addresseesOf } from './addressees.ts';
import { awaitReplication } from './await-replication.ts';
import type { Chosen } from './chosen-users.ts';
import { type Claim, noClaim, sayAtWork, takeClaim } from './claim.ts';
import { delivery, MAKES_CERTIFICATES } from './hooks.ts';
import { watchInterrupts } from './interrupts.ts';
import { type OpenJournal, openJournal, tellWaiting } from './journals.ts';
import { makePlan } from './make-plan.ts';
import { keyPolicy, keySettingsRecord } from './policies.ts';
import { watchProgress } from './progress.ts';
import type { Run } from './run.ts';
import { safeguards, tellAfterwards } from './safeguards.ts';

/** Does what a verb was asked for: at once, or below `plan` into a file. */
export async function perform(purpose: Purpose, request: Verb, chosen: Chosen, settings: KeySettings): Promise<void> {
  if (purpose === 'plan') return await makePlan(request, chosen, settings);
  const keys = await keySettingsRecord(settings);
  const addressed = { ...chosen, ...(settings.shard && { shard: settings.shard }) };
  await carryOut(request.verb, { request, ...addressed, keys, resume: null, undoes: null }, settings);
}

/** The common path of every command that writes: open, run, report. */
export async function carryOut(command: string, asked: Run, settings: RunSettings): Promise<void> {
  await requireFolder(asked.keys.out);
  const claim = isWriting(settings) ? await takeClaim(asked, settings) : noClaim;
  if (claim === null) {
    sayAtWork(command, asked.keys.out, settings);
    return;
  }
  try {
    await withMetrics(command, settings, (metrics) => carryOutClaimed(command, asked, settings, { claim, metrics }));
  } finally {
    await claim.release();
  }
}

async function carryOutClaimed(
  command: string,
  asked: Run,
  settings: RunSettings,
  { claim, metrics }: { claim: Claim; metrics: Metrics },
): Promise<void> {
  goOnUnread();
  const { request, everyone, shard = null, keys } = asked;
  const policy = await keyPolicy(keys, settings);
  const opened = await (everyone === undefined ? openDirectory(settings) : openForListing(settings, 'write'));
  const recognition = recognitionIn(opened, keys);
  const progress = watchProgress(command, MAKES_CERTIFICATES.has(request.verb) ? 'certificates' : 'users', settings);
  const interrupts = watchInterrupts(() =>
    tell('stopping after the writes that are under way; once more stops at once'),
  );
  const mode = settings.dryRun && settings.ldif === undefined ? 'dry-run' : 'write';
  let journal: OpenJournal | null = null;
  let undone: Journal = noJournal;
  try {
    if (settings.waitReplication !== undefined) await checkReplicas(opened);
    const addressees = await addresseesOf(asked, opened, recognition, keys);
    const directory = decorate(opened, settings);
    if (settings.insecureFileSystem) allowInsecureFileSystems();
    if (mode === 'write') await checkOwn(keys.out);
    undone = await takeUndone(asked, settings);
    journal = isWriting(settings) ? await openJournal(asked, settings, directory) : null;
    const { out } = keys;
    const { passphrase } = policy;
    const delivering = await delivery(request, settings, { journal, directory, out, passphrase });
    const report = runReport(command, settings, asked.preface);
    const context: ApplyContext = {
      directory,
      criteria: addressees.criteria,
      keys: policy,
      journal: journal ?? noJournal,
      mode,
      guardSharedDigests: sharedDigestGuard(opened.findByDigest),
      beforeWrite: afterwards(once(undone.undo), safeguards(request, keys.out, settings, progress)),
      whenCoreIsFree: limit(KEYS_AT_ONCE),
      onKeys: progress,
      onRetry: progress.retried,
    };
    const control = {
      concurrency: settings.concurrency,
      stop: AbortSignal.any([interrupts.signal, claim.lost, undone.lost, journal?.lost ?? noJournal.lost]),
      maxFailures: settings.failFast ? 0 : (settings.maxFailures ?? Number.POSITIVE_INFINITY),
      history: journal?.history ?? null,
      shard,
      ...delivering,
    };
    const settled: User[] = [];
    const outcome = await addressees.run(metrics.watch(addressees.plannerFor), context, control, {
      started: progress.started,
      finished: async (result) => {
        if (isAwaited(result, settings)) settled.push(result.user);
        report.add(withOrphans(result, asked.undoes?.history ?? null));
        progress.finished(result);
        metrics.result(result, addressees.criteria, policy.validForMs);
      },
      unknown(user) {
        report.addUnknown(user);
        metrics.items(user.items);
      },
      untouched(facts) {
        progress.passed();
        metrics.user(facts);
      },
      selected: metrics.selected,
    });
    progress.stop();
    const replication = await afterReplication(opened, settled, settings, interrupts.signal);
    if (outcome.stoppedBy !== null) {
      metrics.incomplete();
      metrics.error(outcome.stoppedBy.code);
    }
    if (isConfirmed(outcome, replication)) await journal?.end(outcome.summary);
    else if (journal?.path()) metrics.journalUnfinished();
    process.exitCode = report.finish({
      outcome,
      journal: journal?.path() ?? null,
      replication,
      keys: keysOf(keys.out, asked.undoes?.path ?? journal?.path() ?? null),
    });
    if (process.exitCode === exitCodes.done || process.exitCode === exitCodes.changed) metrics.succeeded();
    tellAfterwards(outcome.summary, request, settings);
    recognition.tellUnused();
  } finally {
    progress.stop();
    interrupts.release();
    await journal?.close();
    await undone.close();
    await opened.close();
  }
}

/** Also who needed nothing: an earlier run may have written what has not arrived everywhere. */
function isAwaited({ outcome }: UserResult, { waitReplication }: RunSettings): boolean {
  return waitReplication !== undefined && (outcome === 'changed' || outcome === 'unchanged');
}

/**
 * The same command goes on with a run that was stopped, also when its last users had been begun, and with one that does
 * not know yet that what it wrote has been delivered, or is on every server.
 */
function isConfirmed({ stoppedBy, summary }: RunOutcome, replication: readonly UserReplication[]): boolean {
  const { undelivered = 0 } = summary;
  return stoppedBy === null && undelivered === 0 && replication.every((each) => replicationError(each) === null);
}

/** @throws MsmqCertError usage for a file, before anything is written */
async function checkReplicas(directory: Replicated): Promise<void> {
  for (const replica of await directory.replicas()) await replica.close();
}

async function afterReplication(
  directory: Replicated,
  users: readonly User[],
  settings: RunSettings,
  signal: AbortSignal,
): Promise<UserReplication[]> {
  const { waitReplication } = settings;
  if (waitReplication === undefined || users.length === 0 || settings.dryRun) return [];
  return await awaitReplication(directory, users, waitReplication, settings, signal);
}

/**
 * The journal of the run that is put back, which nobody goes on with from its first write on.
 * @throws MsmqCertError file-locked while that run goes on
 */
async function takeUndone({ undoes }: Run, settings: RunSettings): Promise<Journal> {
  if (undoes === null) return noJournal;
  const onWait = () => tellWaiting(undoes.path, settings);
  if (isWriting(settings)) return await resumeJournal(await takeNamed(undoes.path, onWait), null);
  await refuseAtWork(undoes.path, onWait);
  return noJournal;
}

/** Where msmq-cert keys finds what this run, or the one that it puts back, has made. */
function keysOf(out: string, journal: string | null): RunEnd['keys'] {
  const isUsual = journal === null || resolve(dirname(journal)) === resolve(journalFolder(out));
  return { out, journal: isUsual ? null : journal };
}

function once(task: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => {
    done ??= task();
    return done;
  };
}

function afterwards<A extends unknown[], T>(
  first: () => Promise<void>,
  second: (...facts: A) => Promise<T>,
): (...facts: A) => Promise<T> {
  return async (...facts) => {
    await first();
    return await second(...facts);
  };
}

/** A dry run writes no journal; with --ldif the changes go to that file, which is a record by itself. */
function isWriting({ dryRun }: RunSettings): boolean {
  return !dryRun;
}

function decorate(opened: Directory, { ldif, dryRun, rate }: RunSettings): Directory {
  const mode = dryRun ? 'only-record' : 'also-write';
  const recorded = ldif === undefined ? opened : recordChanges(opened, ldif, mode);
  return rate === undefined ? recorded : limitRate(recorded, rate);
}
