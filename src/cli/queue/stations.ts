import limit from 'p-limit';
import type { Directory, Listing } from '../../directory/directory.ts';
import type { Criteria } from '../../judge/state.ts';
import type { KeySettingsRecord, Request } from '../../plan/request.ts';
import { emptySummary, type Summary } from '../../plan/results.ts';
import { sharedDigestGuard } from '../../plan/shared-digests.ts';
import type { Queue } from '../../queue/queue.ts';
import type { QueuedRun } from '../../queue/runs.ts';
import { sharedJournal } from '../../queue/swaps.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { type PlannerFor, plannersFor } from '../../run/planners.ts';
import { saveWhatGoes } from '../../run/save-before.ts';
import { recognitionIn } from '../recognition.ts';
import { handoverRecord } from '../running/handover.ts';
import { type OpenJournal, openJournal } from '../running/journals.ts';
import { criteria, keyPolicy } from '../running/policies.ts';
import type { HandoverSettings, RunSettings } from '../settings.ts';

/** What a worker needs for the users of one run. */
export interface Station {
  journal: OpenJournal;
  summary: Summary;
  /** A user was left in the middle: whoever goes on with the journal looks at him again. */
  isCutShort: boolean;
  /** Made anew from time to time: computer accounts come and go, and so does the day. */
  means(): Promise<{ context: Omit<ApplyContext, 'directory'>; criteria: Criteria; plannerFor: PlannerFor | null }>;
}

export interface Stations {
  of(run: QueuedRun): Promise<Station>;
  /** @returns the journals that have something to tell */
  close(): Promise<string[]>;
}

type WorkerSettings = RunSettings & HandoverSettings & { out: string; passphraseFile?: string | undefined };

interface Ground {
  queue: Queue;
  worker: string;
  opened: Directory & Listing;
  settings: WorkerSettings;
  keysAtOnce: number;
}

const FRESH_MS = 10 * 60_000;

export function stationsOn(ground: Ground): Stations {
  const open = new Map<string, Promise<Station>>();
  const whenCoreIsFree = limit(ground.keysAtOnce);

  /** Another process has taken its journal up, as this one stood still: this one begins another. */
  async function leaveIfLost(run: string): Promise<void> {
    const current = open.get(run);
    const journal = (await current)?.journal;
    if (!journal?.lost.aborted || open.get(run) !== current) return;
    open.delete(run);
    await journal.close();
  }

  return {
    async of(run) {
      await leaveIfLost(run.id);
      const station = open.get(run.id) ?? openStation(run, ground, whenCoreIsFree);
      open.set(run.id, station);
      // what could not be opened is tried again by the next job
      station.catch(() => open.delete(run.id));
      return await station;
    },
    async close() {
      const journals: string[] = [];
      for (const opened of open.values()) {
        const station = await opened.catch(() => null);
        if (station === null || station.journal.lost.aborted) continue;
        if (!station.isCutShort) await station.journal.end(station.summary);
        await station.journal.close();
        const path = station.journal.path();
        if (path !== null) journals.push(path);
      }
      return journals;
    },
  };
}

async function openStation(
  run: QueuedRun,
  ground: Ground,
  whenCoreIsFree: ApplyContext['whenCoreIsFree'],
): Promise<Station> {
  const { queue, worker, opened, settings } = ground;
  const keys: KeySettingsRecord = {
    ...run.keys,
    out: settings.out,
    passphraseFile: settings.passphraseFile ?? null,
    ...(await handoverRecord(settings)),
  };
  const policy = await keyPolicy(keys, settings);
  const request = requestOf(run);
  const journal = await openJournal(
    { request, targets: [], queued: run.id, keys, resume: null, undoes: null },
    settings,
    opened,
  );
  const shared = sharedJournal(journal, queue, run.id, worker);
  const contextFor = (judged: Criteria): Omit<ApplyContext, 'directory'> => ({
    criteria: judged,
    keys: policy,
    journal: shared,
    mode: 'write',
    guardSharedDigests: sharedDigestGuard(opened.findByDigest),
    beforeWrite: async (plan) => {
      await saveWhatGoes(request, settings.out, plan);
      return plan;
    },
    whenCoreIsFree,
    onRetry: () => {},
  });
  return {
    journal,
    summary: emptySummary(),
    isCutShort: false,
    means: renewed(async () => {
      const judged = criteria(recognitionIn(opened, keys), keys);
      const plannerFor = run.asked.kind === 'verb' ? await plannersFor(run.asked.request, judged, opened) : null;
      return { context: contextFor(judged), criteria: judged, plannerFor };
    }),
  };
}

/** As the journal of the worker tells it. */
function requestOf({ asked }: QueuedRun): Request {
  return asked.kind === 'verb' ? asked.request : { verb: 'undo', journal: nameOf(asked.run) };
}

/** A run of the queue, where others are called by their journal. */
export function nameOf(run: string): string {
  return `the run ${run} of the queue`;
}

function renewed<T>(make: () => Promise<T>): () => Promise<T> {
  let made: { at: number; value: Promise<T> } | null = null;
  return () => {
    const now = performance.now();
    if (made === null || now - made.at > FRESH_MS) {
      const value = make();
      made = { at: now, value };
      value.catch(() => {
        made = null;
      });
    }
    return made.value;
  };
}
