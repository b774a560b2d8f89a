import type { User } from '../../directory/directory.ts';
import type { UserResult } from '../../plan/results.ts';
import type { OutputSettings } from '../settings.ts';
import { isTerminal, tell } from '../terminal.ts';
import { drawnBar } from './bar.ts';
import { type Tally, tallyOf } from './tally.ts';

/** What a run shows of itself while it goes on, on standard error. */
export interface Progress extends Pick<Tally, 'planned' | 'made'> {
  /** @param users null when nobody knows how many there will be */
  started(users: Parameters<Tally['started']>[0] | null): void;
  /** A user was looked at who needs nothing. */
  passed(): void;
  finished(result: UserResult): void;
  retried(): void;
  /** Shows nothing while people are asked. */
  pausing<T>(task: () => Promise<T>): Promise<T>;
  stop(): void;
}

type Unit = 'certificates' | 'users';

const LINE_EVERY_MS = 5000;

/**
 * A bar on a terminal, a line every few seconds otherwise, and where nobody knows how many users there are; nothing for
 * runs that are over before that.
 */
export function watchProgress(what: string, unit: Unit, settings: OutputSettings): Progress {
  const tally = tallyOf(unit);
  const counts: Counts = { retries: 0, failures: 0, passed: 0, finished: 0 };
  let view = viewOf(what, unit, tally, counts, settings);
  const drawn =
    <A extends unknown[]>(note: (...facts: A) => void) =>
    (...facts: A) => {
      note(...facts);
      view.draw();
    };
  return {
    started(users) {
      if (users === null) view = uncounted(what, counts, settings);
      else tally.started(users);
      view.draw();
    },
    passed() {
      counts.passed++;
    },
    planned: drawn(tally.planned),
    made: drawn((user: User) => tally.made(user)),
    finished: drawn(({ user, outcome }: UserResult) => {
      counts.finished++;
      if (outcome === 'failed') counts.failures++;
      tally.finished(user);
    }),
    retried: drawn(() => {
      counts.retries++;
    }),
    async pausing(task) {
      view.pause();
      try {
        return await task();
      } finally {
        view.goOn();
      }
    },
    stop: () => view.stop(),
  };
}

interface View {
  draw(): void;
  pause(): void;
  goOn(): void;
  stop(): void;
}

interface Counts {
  retries: number;
  failures: number;
  /** Users who needed nothing, and those who were worked on. */
  passed: number;
  finished: number;
}

const silent: View = { draw() {}, pause() {}, goOn() {}, stop() {} };

function isSilent({ progress, quiet }: OutputSettings): boolean {
  return !progress || quiet;
}

/** A whole domain: how many users it has is known when the last one was read. */
function uncounted(what: string, counts: Counts, settings: OutputSettings): View {
  if (isSilent(settings)) return silent;
  const timer = setInterval(() => {
    const { passed, finished, retries, failures } = counts;
    if (passed + finished > 0)
      tell(`${what}: ${passed + finished} users read, ${finished} worked on, ${retries} retried, ${failures} failed`);
  }, LINE_EVERY_MS).unref();
  return { ...silent, stop: () => clearInterval(timer) };
}

function viewOf(what: string, unit: Unit, tally: Tally, counts: Counts, settings: OutputSettings): View {
  if (isSilent(settings)) return silent;
  return isTerminal.errors ? bar(what, unit, tally, counts) : lines(what, unit, tally, counts);
}

function bar(what: string, unit: Unit, tally: Tally, counts: Counts): View {
  const drawn = drawnBar(
    `${what} {bar} {value}/{total} ${unit}, {eta_formatted} left, {retries} retried, {failures} failed`,
  );
  return {
    ...drawn,
    draw() {
      if (tally.total() > 1) drawn.draw(tally.done(), tally.total(), counts);
    },
  };
}

function lines(what: string, unit: Unit, tally: Tally, counts: Counts): View {
  const begun = Date.now();
  const timer = setInterval(() => {
    const [done, total] = [tally.done(), tally.total()];
    const rate = done / ((Date.now() - begun) / 1000);
    const left = rate > 0 ? `, about ${Math.ceil((total - done) / rate)} s left` : '';
    if (total > 0)
      tell(`${what}: ${done}/${total} ${unit}${left}, ${counts.retries} retried, ${counts.failures} failed`);
  }, LINE_EVERY_MS).unref();
  return { draw() {}, pause() {}, goOn() {}, stop: () => clearInterval(timer) };
}
