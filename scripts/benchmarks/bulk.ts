import { execFile } from 'node:child_process';
import { generateKeyPair } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import limit from 'p-limit';
import { userDn } from '../../test/active-directory/lab.ts';
import type { Lab } from '../lab/lab.ts';
import type { Benchmark, Measured } from './benchmark.ts';
import { withLab } from './lab.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const ROUNDS = 5;
const USERS = 20;
const CERTIFICATES = 300;
/** So few for the script, as each takes as long as the last: two for each user. */
const BY_HAND = 2 * USERS;

const run = promisify(execFile);
const newKeyPair = promisify(generateKeyPair);
const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const byHandScript = fileURLToPath(new URL('by-hand.sh', import.meta.url));

export const bulkBenchmark: Benchmark = {
  name: 'bulk',
  what: 'rate of replacing 300 certificates of 20 users from key to directory, to the rate of bare RSA-2048 keys',
  target: { at: 'least', value: 0.9, unit: 'times' },
  measure: () => inLab(toBareKeys),
};

export const byHandBenchmark: Benchmark = {
  name: 'by-hand',
  what: 'rate of replacing 300 certificates of 20 users, to a script with openssl and ldapmodify',
  target: { at: 'least', value: 12, unit: 'times' },
  measure: () => inLab(toScript),
};

/** A place to work in: the lab, a folder, and the 20 users with 15 certificates each. */
interface Site {
  lab: Lab;
  folder: string;
  users: string[];
  /** Gives every one of them a new certificate. */
  replace(): Promise<unknown>;
}

async function inLab(measure: (site: Site) => Promise<Measured>): Promise<Measured> {
  return await withLab(['--users', String(USERS)], async (lab) => {
    const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
    try {
      const users = Array.from({ length: USERS }, (_, index) => `user${String(index + 1).padStart(4, '0')}`);
      const machines = Array.from({ length: CERTIFICATES / USERS }, (_, index) => ['--machine', `PC-${index + 1}`]);
      await msmqCert(lab, folder, ['register', ...users, ...machines.flat()]);
      return await measure({ lab, folder, users, replace: () => msmqCert(lab, folder, ['replace', ...users]) });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

async function msmqCert(lab: Lab, folder: string, words: string[]): Promise<void> {
  const { bind, passwordFile } = lab.accounts.provisioner;
  const access = ['--directory', lab.url, '--ca-file', lab.caFile, '--bind', bind, '--password-file', passwordFile];
  const { stdout } = await run(process.execPath, [builtCommand, ...words, '--out', folder, '--json', ...access], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const { added } = JSON.parse(stdout).summary;
  if (added !== CERTIFICATES) throw new Error(`${added} certificates were made instead of ${CERTIFICATES}`);
}

async function toBareKeys({ replace }: Site): Promise<Measured> {
  const turns = await inTurns(ROUNDS, replace, bareKeys);
  return {
    measured: 1 / timesAsLong(turns),
    details: {
      certificatesPerSecond: (CERTIFICATES * 1000) / median(turns.ours),
      bareKeysPerSecond: (CERTIFICATES * 1000) / median(turns.reference),
    },
  };
}

async function bareKeys(): Promise<void> {
  const lane = limit(availableParallelism());
  await lane.map(Array(CERTIFICATES), () => newKeyPair('rsa', { modulusLength: 2048 }));
}

async function toScript({ lab, folder, users, replace }: Site): Promise<Measured> {
  const turns = await inTurns(2, replace, () => byHand({ lab, folder, users }));
  const perSecond = (count: number, times: number[]) => (count * 1000) / median(times);
  const certificatesPerSecond = perSecond(CERTIFICATES, turns.ours);
  const byHandPerSecond = perSecond(BY_HAND, turns.reference);
  return {
    measured: certificatesPerSecond / byHandPerSecond,
    details: { certificatesPerSecond, byHandPerSecond },
  };
}

/** The script works on the same users and machines. */
async function byHand({ lab, folder, users }: Omit<Site, 'replace'>): Promise<void> {
  const { bind, passwordFile } = lab.accounts.provisioner;
  const wanted = Array.from({ length: BY_HAND }, (_, index) => {
    const user = users[index % USERS] ?? '';
    return `${userDn(lab, user)},,CORP\\${user},,PC-${1 + Math.floor(index / USERS)}`;
  });
  await run(byHandScript, [lab.url, bind, passwordFile, folder, ...wanted], {
    env: { ...process.env, LDAPTLS_CACERT: lab.caFile },
  });
}
