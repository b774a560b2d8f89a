import type { Directory } from '../../directory/directory.ts';
import { recordChanges } from '../../directory/ldif/change.ts';
import { checkOwn } from '../../files/own-folder.ts';
import { allowInsecureFileSystems } from '../../files/private-files.ts';
import { replicationError, type UserReplication } from '../../inspect/replication/replication.ts';
import type { OpenJournal } from '../../journal/open.ts';
import { type Journal, noJournal } from '../../journal/write.ts';
import type { Verb } from '../../plan/request.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { setUpRun } from '../../run/context.ts';
import { keyPolicy } from '../../run/key-policy.ts';
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
import { runReport } from '../render/run-report.ts';
import type { KeySettings, RunSettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { addresseesOf } from './addressees.ts';
import { watchArrivals } from './await-replication.ts';
import type { Chosen } from './chosen-users.ts';
import { type Claim, noClaim, sayAtWork, takeClaim } from './claim.ts';
import { delivery, MAKES_CERTIFICATES } from './hooks.ts';
import { watchInterrupts } from './interrupts.ts';
import { afterUndo, keysOf, openJournal, takeUndone } from './journals.ts';
import { makePlan } from './make-plan.ts';
import { keySettingsRecord } from './policies.ts';
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
  const { request, everyone, shard = null, keys, undoes } = asked;
  const policy = await keyPolicy(keys, settings);
  const opened = await (everyone === undefined ? openDirectory(settings) : openForListing(settings, 'write'));
  const recognition = recognitionIn(opened, keys);
  const progress = watchProgress(command, MAKES_CERTIFICATES.has(request.verb) ? 'certificates' : 'users', settings);
  const interrupts = watchInterrupts(() =>
    tell('stopping after the writes that are under way; once more stops at once'),
  );
  const arrivals = watchArrivals(opened, settings, interrupts.signal);
  let journal: OpenJournal | null = null;
  let undone: Journal = noJournal;
  try {
    await arrivals.check();
    const addressees = await addresseesOf(asked, opened, recognition, keys);
    const directory = recorded(opened, settings);
    const mode = await modeIn(keys.out, settings);
    undone = await takeUndone(asked, settings);
    journal = isWriting(settings) ? await openJournal(asked, settings, directory) : null;
    const report = runReport(command, settings, asked.preface);
    const { context, control } = setUpRun({
      request,
      directory,
      findByDigest: opened.findByDigest,
      criteria: addressees.criteria,
      keys: policy,
      journal,
      mode,
      concurrency: settings.concurrency,
      writesPerSecond: settings.rate ?? null,
      shard,
      stops: [interrupts.signal, claim.lost, undone.lost],
      maxFailures: settings.failFast ? 0 : settings.maxFailures,
      beforeWrite: afterUndo(undone, safeguards(request, keys.out, settings, progress)),
      onKeys: progress,
      onRetry: progress.retried,
      ...(await delivery(request, settings, { journal, directory, out: keys.out, passphrase: policy.passphrase })),
    });
    const outcome = await addressees.run(metrics.watch(addressees.plannerFor), context, control, {
      started: progress.started,
      finished: async (result) => {
        arrivals.note(result);
        report.add(withOrphans(result, undoes?.history ?? null));
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
    const replication = await arrivals.wait();
    if (outcome.stoppedBy !== null) metrics.stopped(outcome.stoppedBy.code);
    if (isConfirmed(outcome, replication)) await journal?.end(outcome.summary);
    else if (journal?.path()) metrics.journalUnfinished();
    const written = journal?.path() ?? null;
    const madeBy = keysOf(keys.out, undoes?.path ?? written);
    process.exitCode = report.finish({ outcome, journal: written, replication, keys: madeBy });
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

/**
 * The same command goes on with a run that was stopped, also when its last users had been begun, and with one that does
 * not know yet that what it wrote has been delivered, or is on every server.
 */
function isConfirmed({ stoppedBy, summary }: RunOutcome, replication: readonly UserReplication[]): boolean {
  const { undelivered = 0 } = summary;
  return stoppedBy === null && undelivered === 0 && replication.every((each) => replicationError(each) === null);
}

/** A dry run writes no journal; with --ldif the changes go to that file, which is a record by itself. */
function isWriting({ dryRun }: RunSettings): boolean {
  return !dryRun;
}

/**
 * With --ldif a dry run makes the keys too: only the directory is not written.
 * @throws MsmqCertError untrusted-path
 */
async function modeIn(out: string, { dryRun, ldif, insecureFileSystem }: RunSettings): Promise<ApplyContext['mode']> {
  if (insecureFileSystem) allowInsecureFileSystems();
  if (dryRun && ldif === undefined) return 'dry-run';
  await checkOwn(out);
  return 'write';
}

function recorded(opened: Directory, { ldif, dryRun }: RunSettings): Directory {
  return ldif === undefined ? opened : recordChanges(opened, ldif, dryRun ? 'only-record' : 'also-write');
}
