import { SingleBar } from 'cli-progress';
import type { UserResult } from '../../plan/results.ts';
import type { OutputSettings } from '../settings.ts';
import { isTerminal, progressStream, tell } from '../terminal.ts';

/** What a run shows of itself while it goes on, on standard error. */
export interface Progress {
  /** @param users null when nobody knows how many there will be */
  started(users: number | null): void;
  /** A user was looked at who needs nothing. */
  passed(): void;
  finished(result: UserResult): void;
  retried(): void;
  stop(): void;
}

const LINE_EVERY_MS = 5000;

const silent: Progress = { started: () => {}, passed: () => {}, finished: () => {}, retried: () => {}, stop: () => {} };

/**
 * A bar on a terminal, a line every few seconds otherwise, and where nobody knows how many users there are; nothing for
 * runs that are over before that.
 */
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
  let uncounted: Progress | null = null;
  return {
    started: (users) => {
      if (users === null) uncounted = lines(what);
      else if (users > 1) view.start(users, 0, counts);
    },
    passed: () => uncounted?.passed(),
    finished: (result) => {
      uncounted?.finished(result);
      if (result.outcome === 'failed') counts.failures++;
      view.increment(counts);
    },
    retried: () => {
      uncounted?.retried();
      counts.retries++;
      view.update(counts);
    },
    stop: () => {
      uncounted?.stop();
      view.stop();
    },
  };
}

function lines(what: string): Progress {
  const begun = Date.now();
  let [users, passed, done, retries, failures] = [0, 0, 0, 0, 0];
  const timer = setInterval(() => {
    if (passed > 0) {
      tell(`${what}: ${passed + done} users read, ${done} worked on, ${retries} retries, ${failures} failed`);
      return;
    }
    const rate = done / ((Date.now() - begun) / 1000);
    const left = rate > 0 ? `, about ${Math.ceil((users - done) / rate)} s left` : '';
    if (users > 0) tell(`${what}: ${done}/${users} users${left}, ${retries} retries, ${failures} failed`);
  }, LINE_EVERY_MS).unref();
  return {
    started: (total) => {
      users = total ?? 0;
    },
    passed: () => {
      passed++;
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
