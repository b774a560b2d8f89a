import limit from 'p-limit';
import type { Directory, Listing } from '../../directory/directory.ts';
import { type MsmqCertError, toMsmqCertError } from '../../errors.ts';
import type { OpenJournal } from '../../journal/open.ts';
import { criteriaToday } from '../../judge/criteria.ts';
import type { Criteria } from '../../judge/state.ts';
import type { KeySettingsRecord, Request } from '../../plan/request.ts';
import { emptySummary, type Summary } from '../../plan/results.ts';
import type { Queue } from '../../queue/queue.ts';
import type { QueuedRun } from '../../queue/runs.ts';
import { sharedJournal } from '../../queue/swaps.ts';
import type { ApplyContext } from '../../run/apply.ts';
import { setUpRun } from '../../run/context.ts';
import { keyPolicy } from '../../run/key-policy.ts';
import { type PlannerFor, plannersFor } from '../../run/planners.ts';
import { recognitionIn } from '../recognition.ts';
import { handoverRecord } from '../running/handover.ts';
import { openJournal } from '../running/journals.ts';
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
  /** Does something for a user of a run. */
  use<T>(run: QueuedRun, work: (station: Station) => Promise<T>): Promise<T>;
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
  /** Told of a journal that could not be given its end. */
  onTrouble(error: MsmqCertError): void;
}

const FRESH_MS = 10 * 60_000;

/** A run that has had no job for so long is over for this worker, and its journal has its end. */
const IDLE_MS = 60_000;

interface Slot {
  opening: Promise<Station>;
  users: number;
  lastUsed: number;
}

export function stationsOn(ground: Ground): Stations {
  const slots = new Map<string, Slot>();
  const closing = new Map<string, Promise<void>>();
  const journals = new Set<string>();
  const whenCoreIsFree = limit(ground.keysAtOnce);

  const end = async (id: string, { opening }: Slot) => {
    slots.delete(id);
    const station = await opening.catch(() => null);
    if (station === null) return;
    const { journal, summary, isCutShort } = station;
    // another process has taken it up, as this one stood still
    const isLost = journal.lost.aborted;
    if (!isCutShort && !isLost) await journal.end(summary);
    await journal.close();
    const path = journal.path();
    if (path !== null && !isLost) journals.add(path);
  };
  const endIdle = () => {
    for (const [id, slot] of slots) {
      if (slot.users > 0 || performance.now() - slot.lastUsed < IDLE_MS) continue;
      const ended = end(id, slot).catch((error) => ground.onTrouble(toMsmqCertError(error)));
      closing.set(
        id,
        ended.finally(() => closing.delete(id)),
      );
    }
  };
  const timer = setInterval(endIdle, IDLE_MS / 4).unref();

  const slotOf = async (run: QueuedRun): Promise<Slot> => {
    await closing.get(run.id);
    const known = slots.get(run.id);
    const station = await known?.opening;
    if (known !== undefined && !station?.journal.lost.aborted) return known;
    // another one is begun: whoever uses the lost one comes to his end with it
    if (known !== undefined && slots.get(run.id) === known) await end(run.id, known);
    return slots.get(run.id) ?? newSlot(run);
  };
  const newSlot = (run: QueuedRun): Slot => {
    const slot = { opening: openStation(run, ground, whenCoreIsFree), users: 0, lastUsed: performance.now() };
    // what could not be opened is tried again by the next job
    slot.opening.catch(() => slots.delete(run.id));
    slots.set(run.id, slot);
    return slot;
  };
  return {
    async use(run, work) {
      const slot = await slotOf(run);
      slot.users++;
      try {
        return await work(await slot.opening);
      } finally {
        slot.users--;
        slot.lastUsed = performance.now();
      }
    },
    async close() {
      clearInterval(timer);
      await Promise.all([...closing.values(), ...[...slots].map(([id, slot]) => end(id, slot))]);
      return [...journals];
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
  const shared = { ...journal, ...sharedJournal(journal, queue, run.id, worker) };
  const contextFor = (judged: Criteria): Omit<ApplyContext, 'directory'> => ({
    ...setUpRun({
      request,
      directory: opened,
      findByDigest: opened.findByDigest,
      criteria: judged,
      keys: policy,
      journal: shared,
      mode: 'write',
      concurrency: settings.concurrency,
      stops: [],
    }).context,
    whenCoreIsFree,
  });
  return {
    journal,
    summary: emptySummary(),
    isCutShort: false,
    means: renewed(async () => {
      const judged = criteriaToday(recognitionIn(opened, keys), keys);
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
