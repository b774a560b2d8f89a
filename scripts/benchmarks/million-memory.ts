import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Benchmark } from './benchmark.ts';
import { peakOfRun } from './peak.ts';

const ROWS = 1_000_000;
const PLANNED = 100_000;
/** Of the manifest. */
const USERS = 20_000;

export const millionMemoryBenchmark: Benchmark = {
  name: 'million-memory',
  what: 'peak memory of register --dry-run with a manifest of 1,000,000 rows for an LDIF file',
  target: { at: 'most', value: 250, unit: 'MB' },
  measure: () => inFolder(measureManifest),
};

export const planMemoryBenchmark: Benchmark = {
  name: 'plan-memory',
  what: 'peak memory of making and of applying a plan for 100,000 users, with --dry-run',
  target: { at: 'most', value: 250, unit: 'MB' },
  measure: () => inFolder(measurePlan),
};

async function inFolder<T>(measure: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    return await measure(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureManifest(folder: string) {
  const half = await registerOf(folder, ROWS / 2);
  const whole = await registerOf(folder, ROWS);
  return {
    measured: whole.peakMb,
    details: {
      mbFor500000Rows: half.peakMb,
      mbFor1000000Rows: whole.peakMb,
      secondsFor500000Rows: half.seconds,
      secondsFor1000000Rows: whole.seconds,
    },
  };
}

async function registerOf(folder: string, rows: number): Promise<{ peakMb: number; seconds: number }> {
  const manifest = join(folder, 'manifest.csv');
  const lines = Array.from({ length: rows }, (_, row) => `user${row % USERS},PC-${row}\n`).values();
  await write(manifest, ['user,machine\n', ...lines]);
  const directory = await writeUsers(folder, USERS);
  const start = performance.now();
  const words = [
    'register',
    '--manifest',
    manifest,
    '--directory',
    directory,
    '--dry-run',
    '--no-progress',
    '--ndjson',
  ];
  const { peakMb, stdout } = await peakOfRun(words);
  if (!stdout.includes(`"added":${rows},`)) throw new Error('not every row was planned');
  return { peakMb, seconds: (performance.now() - start) / 1000 };
}

async function measurePlan(folder: string) {
  const [plan, names] = [join(folder, 'plan.json'), join(folder, 'names.txt')];
  await write(
    names,
    Array.from({ length: PLANNED }, (_, user) => `user${user}\n`),
  );
  const where = ['--directory', await writeUsers(folder, PLANNED), '--no-progress'];
  const making = ['plan', 'register', '--users-from', names, '--machine', 'PC-1', '--out', plan, ...where];
  const made = await peakOfRun(making);
  const applied = await peakOfRun(['apply', plan, '--dry-run', ...where]);
  if (!applied.stdout.includes(`${PLANNED} added`)) throw new Error('not every user was planned');
  const measured = Math.max(made.peakMb, applied.peakMb);
  return { measured, details: { makingMb: made.peakMb, applyingMb: applied.peakMb } };
}

async function writeUsers(folder: string, users: number): Promise<string> {
  const file = join(folder, `users-${users}.ldif`);
  const record = (name: string) =>
    `dn: CN=${name},OU=MQ,DC=corp,DC=example\nobjectClass: user\nsAMAccountName: ${name}\n\n`;
  await write(
    file,
    Array.from({ length: users }, (_, user) => record(`user${user}`)),
  );
  return `ldif:${file}`;
}

async function write(file: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(lines), createWriteStream(file));
}
