import { generateKeyPair } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ms from 'ms';
import limit, { type LimitFunction as Lane } from 'p-limit';
import { DEFAULT_SUBJECT, parseSubjectTemplate } from '../../src/certificate/subject.ts';
import { noJournal } from '../../src/journal/write.ts';
import type { Addition } from '../../src/plan/plan.ts';
import type { Prepared } from '../../src/plan/results.ts';
import { type KeyMaking, type KeyPolicy, makePfx, prepare } from '../../src/run/keys.ts';
import { ownKeySets } from '../../src/run/own-key-sets.ts';
import type { Benchmark } from './benchmark.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const ROUNDS = 9;
/** Some keys take five times as long as others: a round makes enough of them for that to even out. */
const KEYS_PER_CORE = 32;
const KEY_SIZE = 2048;

export const issueBenchmark: Benchmark = {
  name: 'issue',
  what: 'rate of keys with certificate, PFX and files, to the rate of bare RSA-2048 keys on all cores',
  target: { at: 'least', value: 0.8, unit: 'times' },
  measure,
};

async function measure() {
  const out = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    const cores = availableParallelism();
    let users = 0;
    const turns = await inTurns(
      ROUNDS,
      () => many(cores, keySetMaker(out, `CORP\\user${++users}`, limit(cores + 1))),
      () => many(cores, bareKeyMaker(limit(cores))),
    );
    const perSecond = (times: number[]) => (cores * KEYS_PER_CORE * 1000) / median(times);
    return {
      measured: 1 / timesAsLong(turns),
      details: {
        cores,
        issuedPerSecond: perSecond(turns.ours),
        bareKeysPerSecond: perSecond(turns.reference),
      },
    };
  } finally {
    await rm(out, { recursive: true });
  }
}

/** So many keys for each core; the command line makes one more at a time than there are cores. */
async function many(cores: number, make: (index: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: cores * KEYS_PER_CORE }, (_, index) => make(index)));
}

const newKeyPair = promisify(generateKeyPair);

function bareKeyMaker(lane: Lane): () => Promise<unknown> {
  return () => lane(() => newKeyPair('rsa', { modulusLength: KEY_SIZE }));
}

function keySetMaker(out: string, account: string, lane: Lane): (index: number) => Promise<Prepared> {
  const policy: KeyPolicy = {
    out,
    keySize: KEY_SIZE,
    hash: 'sha256',
    validForMs: ms('8y'),
    subject: parseSubjectTemplate(DEFAULT_SUBJECT),
    encryption: 'TripleDES_SHA1',
    passphrase: null,
    maxAgeMs: 0,
  };
  const user = { account, dn: 'CN=user,DC=corp,DC=example', sid: null, guid: null, protected: false };
  const making: KeyMaking = { policy, journal: noJournal, whenCoreIsFree: lane, own: ownKeySets(), makePfx };
  return (index) => prepare(user, newKeyFor(`PC-${index}`), making);
}

function newKeyFor(machine: string): Addition {
  return { machine, source: { kind: 'new-key' }, validForMs: null, replaces: null };
}
