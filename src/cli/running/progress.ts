import { SingleBar } from 'cli-progress';
import type { UserResult } from '../../plan/results.ts';
import type { OutputSettings } from '../settings.ts';
import { isTerminal, progressStream, tell } from '../terminal.ts';

/** What a run shows of itself while it goes on, on standard error. */
export interface Progress {
  started(users: number): void;
  finished(result: UserResult): void;
  retried(): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

const silent: Progress = { started: () => {}, finished: () => {}, retried: () => {}, stop: () => {} };

/** A bar on a terminal, a line every few seconds otherwise; nothing for runs that are over before that. */
export function watchProgress(what: string, settings: OutputSettings): Progress {
  if (!settings.progress || settings.quiet) return silent;
  return isTerminal.errors ? bar(what) : lines(what);
}

function bar(what: string): Progress {
  const counts = { retries: 0, failures: 0 };
  const view = new SingleBar({
    stream: progressStream,
    clearOnComplete: true,
    hideCursor: true,
    format: `${what} {bar} {value}/{total} users, {eta_formatted} left, {retries} retries, {failures} failed`,
  });
  return {
    started: (users) => {
      if (users > 1) view.start(users, 0, counts);
    },
    finished: ({ outcome }) => {
      if (outcome === 'failed') counts.failures++;
      view.increment(counts);
    },
    retried: () => {
      counts.retries++;
      view.update(counts);
    },
    stop: () => view.stop(),
  };
}

function lines(what: string): Progress {
  const begun = Date.now();
  let [users, done, retries, failures] = [0, 0, 0, 0];
  const timer = setInterval(() => {
    const rate = done / ((Date.now() - begun) / 1000);
    const left = rate > 0 ? `, about ${Math.ceil((users - done) / rate)} s left` : '';
    if (users > 0) tell(`${what}: ${done}/${users} users${left}, ${retries} retries, ${failures} failed`);
  }, LINE_EVERY_MS).unref();
  return {
    started: (total) => {
      users = total;
    },
    finished: ({ outcome }) => {
      done++;
      if (outcome === 'failed') failures++;
    },
    retried: () => {
      retries++;
    },
    stop: () => clearInterval(timer),
  };
}
