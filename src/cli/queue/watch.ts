import { setTimeout as pause } from 'node:timers/promises';
import { counted } from '../../counted.ts';
import { type MsmqCertError, toMsmqCertError } from '../../errors.ts';
import type { Queue } from '../../queue/queue.ts';
import { type QueuedRun, readRun } from '../../queue/runs.ts';
import { isOver, type LiveWorker, liveWorkers, type RunStatus, runStatus } from '../../queue/status.ts';
import { drawnBar } from '../running/bar.ts';
import type { OutputSettings } from '../settings.ts';
import { isTerminal, tell } from '../terminal.ts';

/** A run as it stands at one moment. */
export interface Look {
  run: QueuedRun;
  status: RunStatus;
  /** Of its domain. */
  workers: LiveWorker[];
}

/** @throws MsmqCertError run-not-found, job-refused, and what the database says */
export async function lookAt(queue: Queue, id: string): Promise<Look> {
  const run = await readRun(queue, id);
  return { run, status: await runStatus(queue, run), workers: await liveWorkers(queue, run.domain) };
}

export interface Watching {
  everyMs: number;
  stop: AbortSignal;
  onLook(look: Look): Promise<void>;
  /** The database cannot be reached; it is asked again until it can. */
  onAway(error: MsmqCertError): void;
  onBack(): void;
}

/** Of the time that it takes to look, so much more at least is left to those who work. */
const PAUSE_FACTOR = 10;

/**
 * Looks at a run until it is over, or `stop` says so: as it stood at the last look.
 * @throws MsmqCertError what {@link lookAt} throws, but not that the database is away for a while
 */
export async function watchRun(
  look: () => Promise<Look>,
  { everyMs, stop, onLook, onAway, onBack }: Watching,
): Promise<Look> {
  let begun = performance.now();
  let last = await look();
  await onLook(last);
  while (!isSettled(last) && !stop.aborted) {
    const tookMs = performance.now() - begun;
    await pause(Math.max(everyMs, PAUSE_FACTOR * tookMs), undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    begun = performance.now();
    const next = await look().catch((error) => unreachable(error));
    if ('code' in next) {
      onAway(next);
      continue;
    }
    onBack();
    last = next;
    await onLook(last);
  }
  return last;
}

/** @throws MsmqCertError that does not pass */
function unreachable(thrown: unknown): MsmqCertError {
  const error = toMsmqCertError(thrown);
  if (error.code !== 'database-unreachable') throw error;
  return error;
}

/** Nothing of it is left, and nothing more comes. */
function isSettled({ run, status }: Look): boolean {
  return isOver(status) && (run.submittedAt !== null || run.cancelledAt !== null);
}

/** What a run that is watched shows of itself: a bar on a terminal, a line every few seconds otherwise. */
export interface WatchView {
  show(look: Look): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

export function watchView(id: string, { progress, quiet }: OutputSettings): WatchView {
  if (!progress || quiet) return { show() {}, stop() {} };
  return isTerminal.errors ? bar() : lines(id);
}

function bar(): WatchView {
  const drawn = drawnBar('{bar} {value}/{total} users, {facts}');
  return {
    show: (look) => drawn.draw(look.status.done, look.status.users, { facts: factsOf(look) }),
    stop: () => drawn.stop(),
  };
}

function lines(id: string): WatchView {
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    show(look) {
      const now = performance.now();
      if (now - toldAt < LINE_EVERY_MS) return;
      toldAt = now;
      tell(`run ${id}: ${look.status.done}/${look.status.users} users, ${factsOf(look)}`);
    },
    stop() {},
  };
}

function factsOf({ run, status: { perSecond, secondsLeft, retries, dead }, workers }: Look): string {
  return [
    `${perSecond.toFixed(1)} a second`,
    ...(secondsLeft === null || workers.length === 0 ? [] : [`about ${spanOf(secondsLeft)} left`]),
    `${counted(workers.length, 'worker')} alive`,
    counted(retries, 'retry', 'retries'),
    `${dead} dead`,
    ...(run.submittedAt === null ? ['submit not whole'] : []),
  ].join(', ');
}

function spanOf(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
