import type { Directory, Listing } from '../../directory/directory.ts';
import { recordChanges } from '../../directory/ldif/change.ts';
import type { Replicated } from '../../directory/replicas.ts';
import { checkOwn } from '../../files/own-folder.ts';
import { allowInsecureFileSystems } from '../../files/private-files.ts';
import { replicationError } from '../../inspect/replication/replication.ts';
import type { OpenJournal } from '../../journal/open.ts';
import { type Journal, noJournal } from '../../journal/write.ts';
import type { Verb } from '../../plan/request.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { setUpRun } from '../../run/context.ts';
import { keyPolicy } from '../../run/key-policy.ts';
import type { KeyPolicy } from '../../run/keys.ts';
import { withOrphans } from '../../run/undone-keys.ts';
import { openDirectory, openForListing } from '../access/connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { requireFolder } from '../input.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { withMetrics } from '../metrics/with-metrics.ts';
import type { Purpose } from '../options.ts';
import { goOnUnread } from '../pipes.ts';
import { submit } from '../queue/submit.ts';
import { type Recognition, recognitionIn } from '../recognition.ts';
import { type RunReport, runReport } from '../render/run-report.ts';
import type { RunEnd } from '../render/run-sink.ts';
import type { KeySettings, RunSettings } from '../settings.ts';
import { tell } from '../terminal.ts';
import { type Addressees, addresseesOf } from './addressees.ts';
import { type Arrivals, watchArrivals } from './await-replication.ts';
import type { Chosen } from './chosen-users.ts';
import { type Claim, noClaim, sayAtWork, takeClaim } from './claim.ts';
import { delivery, MAKES_CERTIFICATES } from './hooks.ts';
import { type Interrupts, watchInterrupts } from './interrupts.ts';
import { afterUndo, keysOf, openJournal, takeUndone } from './journals.ts';
import { makePlan } from './make-plan.ts';
import { keySettingsRecord } from './policies.ts';
import { type Progress, watchProgress } from './progress.ts';
import type { Run } from './run.ts';
import { safeguards, tellAfterwards } from './safeguards.ts';

/** Does what a verb was asked for: at once, below `plan` into a file, or below `queue submit` by workers. */
export async function perform(purpose: Purpose, request: Verb, chosen: Chosen, settings: KeySettings): Promise<void> {
  if (purpose === 'plan') return await makePlan(request, chosen, settings);
  if (purpose === 'queue') return await submit(request, chosen, settings);
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

async function carryOutClaimed(command: string, asked: Run, settings: RunSettings, held: Held): Promise<void> {
  goOnUnread();
  const tools = await openTools(command, asked, settings, held);
  const { opened, recognition, progress, interrupts, arrivals } = tools;
  const journals: Journals = { own: null, undone: noJournal };
  try {
    await arrivals.check();
    const addressees = await addresseesOf(asked, opened, recognition, asked.keys);
    const directory = recorded(opened, settings);
    const mode = await modeIn(asked.keys.out, settings);
    journals.undone = await takeUndone(asked, settings);
    if (isWriting(settings)) journals.own = await openJournal(asked, settings, directory);
    const report = runReport(command, settings, asked.preface);
    const { context, control } = await setUp(asked, settings, tools, { addressees, directory, mode, journals });
    const watched = tools.metrics.watch(addressees.plannerFor);
    const outcome = await addressees.run(watched, context, control, observerOf(asked, report, addressees, tools));
    progress.stop();
    const replication = await arrivals.wait();
    await conclude(report, asked, journals.own, { outcome, replication }, tools.metrics);
    tellAfterwards(outcome.summary, asked.request, settings);
    recognition.tellUnused();
  } finally {
    progress.stop();
    interrupts.release();
    await journals.own?.close();
    await journals.undone.close();
    await opened.close();
  }
}

interface Held {
  claim: Claim;
  metrics: Metrics;
}

/** What a run works with from its first step to its last. */
interface Tools extends Held {
  keys: KeyPolicy;
  opened: Directory & Listing & Replicated;
  recognition: Recognition;
  progress: Progress;
  interrupts: Interrupts;
  arrivals: Arrivals;
}

interface Journals {
  own: OpenJournal | null;
  /** Of the run that is put back. */
  undone: Journal;
}

async function openTools(command: string, asked: Run, settings: RunSettings, held: Held): Promise<Tools> {
  const keys = await keyPolicy(asked.keys, settings);
  const opened = await (asked.everyone === undefined ? openDirectory(settings) : openForListing(settings, 'write'));
  const recognition = recognitionIn(opened, asked.keys);
  const unit = MAKES_CERTIFICATES.has(asked.request.verb) ? 'certificates' : 'users';
  const progress = watchProgress(command, unit, settings);
  const interrupts = watchInterrupts(() =>
    tell('stopping after the writes that are under way; once more stops at once'),
  );
  const arrivals = watchArrivals(opened, settings, interrupts.signal);
  return { ...held, keys, opened, recognition, progress, interrupts, arrivals };
}

interface Prepared extends Pick<ApplyContext, 'directory' | 'mode'> {
  addressees: Addressees;
  journals: Journals;
}

async function setUp(
  { request, shard }: Run,
  settings: RunSettings,
  { keys, opened, progress, interrupts, claim }: Tools,
  { addressees, directory, mode, journals: { own: journal, undone } }: Prepared,
): Promise<ReturnType<typeof setUpRun>> {
  const { out, passphrase } = keys;
  return setUpRun({
    request,
    directory,
    findByDigest: opened.findByDigest,
    criteria: addressees.criteria,
    keys,
    journal,
    mode,
    concurrency: settings.concurrency,
    writesPerSecond: settings.rate ?? null,
    shard: shard ?? null,
    stops: [interrupts.signal, claim.lost, undone.lost],
    maxFailures: settings.failFast ? 0 : settings.maxFailures,
    beforeWrite: afterUndo(undone, safeguards(request, out, settings, progress)),
    onKeys: progress,
    onRetry: progress.retried,
    ...(await delivery(request, settings, { journal, directory, out, passphrase })),
  });
}

/** Everybody who is told how the run goes. */
function observerOf(
  { undoes }: Run,
  report: RunReport,
  { criteria }: Addressees,
  { arrivals, progress, metrics, keys }: Tools,
): Parameters<Addressees['run']>[3] {
  return {
    started: progress.started,
    finished: async (result) => {
      arrivals.note(result);
      report.add(withOrphans(result, undoes?.history ?? null));
      progress.finished(result);
      metrics.result(result, criteria, keys.validForMs);
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
  };
}

/** A journal without its end is gone on with by the same command. */
async function conclude(
  report: RunReport,
  { keys, undoes }: Run,
  own: OpenJournal | null,
  end: Pick<RunEnd, 'outcome' | 'replication'>,
  metrics: Metrics,
): Promise<void> {
  const { stoppedBy, summary } = end.outcome;
  const journal = own?.path() ?? null;
  if (stoppedBy !== null) metrics.stopped(stoppedBy.code);
  if (isConfirmed(end)) await own?.end(summary);
  else if (journal !== null) metrics.journalUnfinished();
  process.exitCode = report.finish({ ...end, journal, keys: keysOf(keys.out, undoes?.path ?? journal) });
  if (process.exitCode === exitCodes.done || process.exitCode === exitCodes.changed) metrics.succeeded();
}

/**
 * The same command goes on with a run that was stopped, also when its last users had been begun, and with one that does
 * not know yet that what it wrote has been delivered, or is on every server.
 */
function isConfirmed({ outcome, replication }: Pick<RunEnd, 'outcome' | 'replication'>): boolean {
  const { stoppedBy, summary } = outcome;
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
