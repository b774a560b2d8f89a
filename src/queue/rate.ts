import { setTimeout as pause } from 'node:timers/promises';
import { type Directory, type User, withSwap } from '../directory/directory.ts';
import { MsmqCertError, toMsmqCertError } from '../errors.ts';
import type { DatabaseSettings } from './database.ts';
import { describeDatabase, openDatabase } from './database.ts';
import { databaseError } from './database-errors.ts';
import { loadRateLimiter } from './packages.ts';
import { OWN_SCHEMA } from './tables.ts';

/** Leave to write, one at a time, over all workers of a domain. */
export interface SharedRate {
  /**
   * Resolves when it is this worker's turn.
   * @throws MsmqCertError what the database says, and the reason of `stop`
   */
  turn(stop: AbortSignal): Promise<void>;
  /** The directory is busy: everybody waits for a while. */
  slowDown(): Promise<void>;
  close(): Promise<void>;
}

const LONGEST_WAIT_MS = 1000;
const BUSY_MS = 2000;
/** A clock that is off by more makes others wait for it, or not wait at all. */
const MOST_SKEW_MS = 2000;

/**
 * A rate that all workers keep together, by rate-limiter-flexible in the database.
 * @param perSecond the same for all workers
 * @throws MsmqCertError not-available when this machine's clock is not that of the database
 */
export async function sharedRate(settings: DatabaseSettings, domain: string, perSecond: number): Promise<SharedRate> {
  const { RateLimiterPostgres, RateLimiterRes } = await loadRateLimiter();
  const where = describeDatabase(settings);
  const pool = await openDatabase(settings, 2);
  const { rows } = await pool.query<{ now: number }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
  requireSameClock(Number(rows[0]?.now) - Date.now());
  const { points, seconds } = windowOf(perSecond);
  const limiter = new RateLimiterPostgres({
    storeClient: pool,
    storeType: 'pool',
    schemaName: OWN_SCHEMA,
    tableName: 'rates',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: 'dc',
    points,
    duration: seconds,
  });
  const key = domain.slice(0, 200);
  return {
    async turn(stop) {
      for (;;) {
        stop.throwIfAborted();
        try {
          await limiter.consume(key);
          return;
        } catch (refused) {
          if (!(refused instanceof RateLimiterRes)) throw databaseError(refused, where);
          await pause(Math.min(refused.msBeforeNext, LONGEST_WAIT_MS) + Math.random() * 3, undefined, {
            signal: stop,
          }).catch(() => stop.throwIfAborted());
        }
      }
    },
    slowDown: async () => {
      await limiter.block(key, BUSY_MS / 1000).catch(() => {});
    },
    close: async () => await pool.end(),
  };
}

/**
 * So many turns in so long a window that no second, wherever it begins, has more than `perSecond`: a window that ends and
 * the next that begins may both be used up at once.
 */
export function windowOf(perSecond: number): { points: number; seconds: number } {
  const points = Math.max(1, Math.floor(perSecond / 20));
  const windows = Math.max(1, Math.floor(perSecond / points) - (points > 1 ? 1 : 0));
  const shortest = points === 1 ? 1000 / perSecond : 1000 / windows;
  // the limiter multiplies by 1000 again, and the database takes whole milliseconds only
  let ms = Math.ceil(shortest);
  while (!Number.isInteger((ms / 1000) * 1000)) ms++;
  return { points, seconds: ms / 1000 };
}

function requireSameClock(skewMs: number): void {
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return;
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  const way = skewMs > 0 ? 'behind' : 'ahead of';
  throw new MsmqCertError('not-available', `the clock of this machine is ${seconds} s ${way} that of the database`, {
    hint: 'set the clock: workers keep --rate together by it',
  });
}

/** What must be so right before a write. */
export interface Gate {
  rate: SharedRate | null;
  /** @throws MsmqCertError claim-lost when the job of this user was given to somebody else */
  assertClaim(user: User): Promise<void>;
  stopOf(user: User): AbortSignal;
}

const FRESH_MS = 1000;

/** The same directory, written only in turn and by whoever has the job of the user. */
export function gated(directory: Directory, { rate, assertClaim, stopOf }: Gate): Directory {
  return withSwap(directory, async (user, before, change) => {
    const begun = Date.now();
    await assertClaim(user);
    await rate?.turn(stopOf(user));
    if (Date.now() - begun > FRESH_MS) await assertClaim(user);
    try {
      return await directory.swap(user, before, change);
    } catch (error) {
      if (toMsmqCertError(error).code === 'directory-busy') await rate?.slowDown();
      throw error;
    }
  });
}
