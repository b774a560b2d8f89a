import { setTimeout as pause } from 'node:timers/promises';
import { type ErrorCode, toMsmqCertError } from '../errors.ts';

/** Tries after which a user is given up: eight rivals need eight at worst, and a server that restarts half a minute. */
export const MAX_TRIES = 40;
const FIRST_PAUSE_MS = 15;
const LONGEST_PAUSE_MS = 1500;

/** Failures of the directory that pass by themselves. */
export const PASSING: ReadonlySet<ErrorCode> = new Set([
  'directory-busy',
  'directory-unreachable',
  'directory-timeout',
]);

/** Asks until the directory answers, or has had the time to restart. Once `stop` is aborted it is not waited for. */
export async function patiently<T>(
  ask: () => Promise<T>,
  stop: AbortSignal,
  before: (tries: number) => Promise<unknown> = pauseBefore,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!PASSING.has(toMsmqCertError(error).code) || tries >= MAX_TRIES || stop.aborted) throw error;
      await before(tries);
    }
  }
}

/** Full jitter: rivals that collided once do not collide again. */
export async function pauseBefore(tries: number): Promise<void> {
  await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries));
}
