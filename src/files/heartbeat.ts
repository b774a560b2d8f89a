import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MsmqCertError, systemCode } from '../errors.ts';
import { writeError } from './file-errors.ts';

/** How often a run shows that it lives, and after how long without that it is dead. In milliseconds. */
export interface Pulse {
  beatMs: number;
  deadAfterMs: number;
  pause(ms: number): Promise<unknown>;
}

export const PULSE: Pulse = { beatMs: 1000, deadAfterMs: 5000, pause };

/**
 * The sign of life of the one process that works with a file, such as a journal: one beside it whose name is this process's own, and
 * whose time is the file server's. Whoever takes the journal up renames it, which only one can; so a process that stood
 * still and was taken for dead finds it gone. No clock, process number or host name is compared.
 */
export interface Heartbeat {
  /** Aborted when another process has taken up the journal. */
  readonly lost: AbortSignal;
  /**
   * Resolves when the journal is still this process's own. What was appended before is then seen by whoever takes it up.
   * @throws MsmqCertError file-locked, file-unwritable
   */
  assertHeld(): Promise<void>;
  /** `ended`: there is nothing to go on with. `open`: the next one need not wait for this process to be dead. */
  release(how: 'ended' | 'open'): Promise<void>;
}

/** Tries after which a file server whose clock stands still is believed no more. */
const MAX_LOOKS = 200;
const FREE = 'free';

/**
 * For a journal that is about to be made.
 * @throws MsmqCertError file-unwritable, disk-full
 */
export async function beginHeartbeat(journal: string, pulse = PULSE): Promise<Heartbeat> {
  const own = newName(journal);
  await make(own);
  return beating(journal, own, pulse);
}

/**
 * Takes a journal up when its run is proven dead; null when it lives, or another process is faster.
 * @param isOver the journal has its end: there is no run that could be alive without a sign of life
 * @param onWait called when the last sign of life is too recent to tell
 * @throws MsmqCertError file-unwritable, disk-full
 */
export async function takeHeartbeat(
  journal: string,
  isOver: boolean,
  onWait: () => void,
  pulse = PULSE,
): Promise<Heartbeat | null> {
  const found = await signsOfLife(journal);
  if (!(await areDead(journal, found, onWait, pulse))) return null;

  const own = newName(journal);
  const [first, ...others] = found;
  if (first !== undefined) {
    if (!(await renamed(first, own))) return null;
    for (const other of others) await rm(other, { force: true });
  } else {
    await make(own);
    if (!isOver) {
      // A run that lost its sign of life finds out at its next beat.
      onWait();
      await pulse.pause(pulse.deadAfterMs);
    }
  }
  if (!(await beat(own))) return null;
  if ((await signsOfLife(journal)).some((name) => name !== own)) {
    await rm(own, { force: true });
    return null;
  }
  return beating(journal, own, pulse);
}

/** Whether somebody works with this journal; waits when the last sign of life is too recent to tell. */
export async function isAtWork(journal: string, onWait: () => void, pulse = PULSE): Promise<boolean> {
  return !(await areDead(journal, await signsOfLife(journal), onWait, pulse));
}

function beating(journal: string, own: string, { beatMs }: Pulse): Heartbeat {
  const lost = new AbortController();
  let isReleased = false;
  const assertHeld = async () => {
    if (!lost.signal.aborted && !(await beat(own)) && !isReleased) lost.abort(takenUp(journal));
    lost.signal.throwIfAborted();
  };
  // A beat that fails otherwise is tried again; before each write it has to succeed.
  const timer = setInterval(() => void assertHeld().catch(() => {}), beatMs);
  timer.unref();
  return {
    lost: lost.signal,
    assertHeld,
    async release(how) {
      clearInterval(timer);
      isReleased = true;
      if (lost.signal.aborted) return;
      if (how === 'open') await renamed(own, nameOf(journal, FREE));
      else await rm(own, { force: true });
    },
  };
}

/** False when the file is gone: somebody else has taken it. */
async function beat(own: string): Promise<boolean> {
  try {
    await using file = await open(own, 'r+');
    await file.write('.', 0);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw writeError(own, error);
  }
}

/** Every one of them has not changed for so long, by the clock that gives them their times. */
async function areDead(journal: string, names: string[], onWait: () => void, pulse: Pulse): Promise<boolean> {
  const watched = names.filter((name) => !isFree(journal, name));
  if (watched.length === 0) return true;
  const before = await Promise.all(watched.map(timeOf));
  const begun = await serverTime(journal);
  for (let looks = 0, now = begun; looks < MAX_LOOKS; looks++, now = await serverTime(journal)) {
    const times = await Promise.all(watched.map(timeOf));
    if (times.some((time, index) => time === null || time !== before[index])) return false;
    // from the first look on, should the times be ahead of the clock
    const silent = Math.max(now - begun, now - Math.max(...times.filter((time) => time !== null)));
    if (silent >= pulse.deadAfterMs) return true;
    if (looks === 0) onWait();
    await pulse.pause(pulse.beatMs / 2);
  }
  return false;
}

/** What time it is for the file server: the time of a file that was written just now. */
async function serverTime(journal: string): Promise<number> {
  const probe = `${journal}.${randomBytes(8).toString('hex')}.probe`;
  try {
    await make(probe);
    return (await stat(probe)).mtimeMs;
  } catch (error) {
    throw writeError(probe, error);
  } finally {
    await rm(probe, { force: true });
  }
}

async function timeOf(name: string): Promise<number | null> {
  try {
    return (await stat(name)).mtimeMs;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw writeError(name, error);
  }
}

async function signsOfLife(journal: string): Promise<string[]> {
  const names = await readdir(dirname(journal)).catch((error) => {
    throw writeError(dirname(journal), error);
  });
  const isSign = (name: string) => name.startsWith(`${basename(journal)}.`) && name.endsWith('.alive');
  return names.filter(isSign).map((name) => join(dirname(journal), name));
}

async function make(name: string): Promise<void> {
  try {
    await using file = await open(name, 'wx', 0o600);
    await file.write('.');
  } catch (error) {
    throw writeError(name, error);
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw writeError(from, error);
  }
}

function newName(journal: string): string {
  return nameOf(journal, randomBytes(8).toString('hex'));
}

function nameOf(journal: string, token: string): string {
  return join(dirname(journal), `${basename(journal)}.${token}.alive`);
}

function isFree(journal: string, name: string): boolean {
  return name === nameOf(journal, FREE);
}

function takenUp(journal: string): MsmqCertError {
  return new MsmqCertError(
    'file-locked',
    `another process has taken up the run of ${journal}, as this one stood still`,
    {
      hint: 'the other one goes on; what this one had begun is in the journal',
    },
  );
}
