import { setTimeout as pause } from 'node:timers/promises';
import limit from 'p-limit';
import { type Directory, withSwap } from '../directory/directory.ts';
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
   * @returns until when it has to be used, by performance.now()
   * @throws MsmqCertError what the database says, clock-wrong, and the reason of `stop`
   */
  turn(stop: AbortSignal): Promise<number>;
  /** The directory is busy: everybody waits for a while. */
  slowDown(): Promise<void>;
  close(): Promise<void>;
}

const LONGEST_WAIT_MS = 1000;
const BUSY_MS = 2000;
/** A clock that is off by more makes others wait for it, or not wait at all. */
const MOST_SKEW_MS = 2000;
/** A turn that is used later is not used at all, unless so many in a row came late. */
const LATE_MS = 50;
const MOST_LATE = 3;

/**
 * A rate that all workers keep together, by rate-limiter-flexible in the database.
 * @param perSecond the same for all workers
 * @throws MsmqCertError clock-wrong when this machine's clock is not that of the database
 */
export async function sharedRate(settings: DatabaseSettings, domain: string, perSecond: number): Promise<SharedRate> {
  const { RateLimiterPostgres, RateLimiterRes } = await loadRateLimiter();
  const where = describeDatabase(settings);
  const pool = await openDatabase(settings, 2);
  const clock = watchedClock(async () => {
    const { rows } = await pool.query<{ now: string }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
    return Number(rows[0]?.now);
  });
  await clock.require().catch(async (error) => {
    await pool.end();
    throw error;
  });
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
  // users of one worker do not stand in each other's way
  const inTurn = limit(1);
  const turn = async (stop: AbortSignal) => {
    for (let late = 0; ; ) {
      stop.throwIfAborted();
      try {
        await clock.require();
        const asked = performance.now();
        await limiter.consume(key);
        const isLate = performance.now() - asked > LATE_MS;
        if (!isLate) return asked + LATE_MS;
        if (++late === MOST_LATE) return performance.now() + LATE_MS;
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw databaseError(refused, where);
        await pause(Math.min(refused.msBeforeNext, LONGEST_WAIT_MS) + Math.random() * 3, undefined, {
          signal: stop,
        }).catch(() => stop.throwIfAborted());
      }
    }
  };
  return {
    turn: (stop) => inTurn(() => turn(stop)),
    slowDown: async () => {
      await limiter.block(key, BUSY_MS / 1000).catch(() => {});
    },
    close: async () => await pool.end(),
  };
}

/**
 * So many turns in so long a window that no second, wherever it begins, has more than `perSecond` writes: a window that
 * ends and the next that begins may both be used up at once, and a turn may be used a little late.
 */
export function windowOf(perSecond: number): { points: number; seconds: number } {
  const points = Math.max(1, Math.floor(perSecond / 20));
  const windows = Math.max(1, Math.floor(perSecond / points) - (points > 1 ? 1 : 0));
  const shortest = (1000 + LATE_MS) / (points === 1 ? perSecond : windows);
  // the limiter multiplies by 1000 again, and the database takes whole milliseconds only
  let ms = Math.ceil(shortest);
  while (!Number.isInteger((ms / 1000) * 1000)) ms++;
  return { points, seconds: ms / 1000 };
}

/** This machine's clock against that of the database: looked at in the beginning, and when it has jumped since. */
export function watchedClock(databaseNow: () => Promise<number>): { require(): Promise<void> } {
  let lead: number | null = null;
  return {
    async require() {
      if (lead !== null && Math.abs(Date.now() - performance.now() - lead) <= MOST_SKEW_MS) return;
      requireSameClock((await databaseNow()) - Date.now());
      lead = Date.now() - performance.now();
    },
  };
}

function requireSameClock(skewMs: number): void {
  if (Math.abs(skewMs) <= MOST_SKEW_MS) return;
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  const way = skewMs > 0 ? 'behind' : 'ahead of';
  throw new MsmqCertError('clock-wrong', `the clock of this machine is ${seconds} s ${way} that of the database`, {
    hint: 'set the clock: workers keep --rate together by it',
  });
}

/** What must be so right before a write. */
export interface Gate {
  rate: SharedRate | null;
  /** @throws MsmqCertError claim-lost when the job was given to somebody else */
  assertClaim(): Promise<void>;
  /** Aborted when the job was given to somebody else. */
  claimed: AbortSignal;
}

const FRESH_MS = 1000;

/** The same directory, written only in turn and by whoever has the job. What does not come to the write is refused. */
export function gated(directory: Directory, gate: Gate): Directory {
  return withSwap(directory, async (user, before, change) => {
    try {
      await pass(gate);
    } catch (thrown) {
      const error = gate.claimed.aborted ? claimLost(user.account) : toMsmqCertError(thrown);
      return { kind: 'refused', error };
    }
    try {
      return await directory.swap(user, before, change);
    } catch (error) {
      if (toMsmqCertError(error).code === 'directory-busy') await gate.rate?.slowDown();
      throw error;
    }
  });
}

async function pass({ rate, assertClaim, claimed }: Gate): Promise<void> {
  let seen = performance.now();
  await assertClaim();
  if (rate === null) return;
  for (;;) {
    const until = await rate.turn(claimed);
    if (performance.now() - seen > FRESH_MS) {
      seen = performance.now();
      await assertClaim();
    }
    // whoever stood still meanwhile would write beside the next one
    if (performance.now() <= until) return;
  }
}

export function claimLost(account: string): MsmqCertError {
  return new MsmqCertError('claim-lost', `the job of ${account} was given to another worker`, {
    hint: 'this one had shown no life for too long; nothing was written',
  });
}
