import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark } from './benchmark.ts';
import { writeCertificates } from './certificate-files.ts';
import { peakOfRun } from './peak.ts';

const ROWS = 100_000;
const USERS = 1_000;

export const manifestMemoryBenchmark: Benchmark = {
  name: 'manifest-memory',
  what: 'peak memory of register --dry-run with a manifest of 100,000 certificates for an LDIF file',
  target: { at: 'most', value: 300, unit: 'MB' },
  measure,
};

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    const words = await prepare(folder);
    const textMb = await peakMb(words);
    const ndjsonMb = await peakMb([...words, '--ndjson']);
    return { measured: Math.max(textMb, ndjsonMb), details: { rows: ROWS, users: USERS, textMb, ndjsonMb } };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function prepare(folder: string): Promise<string[]> {
  const [manifest, ldif] = [join(folder, 'manifest.csv'), join(folder, 'users.ldif')];
  const files = await writeCertificates(join(folder, 'certificates'), ROWS);
  const rows = files.map((file, index) => `user${index % USERS},PC-${Math.floor(index / USERS)},${file}`);
  await writeFile(manifest, ['user,machine,certificate', ...rows, ''].join('\n'));
  const records = Array.from({ length: USERS }, (_, user) => recordOf(`user${user}`));
  await writeFile(ldif, records.join('\n'));
  return ['register', '--manifest', manifest, '--directory', `ldif:${ldif}`, '--dry-run', '--no-progress'];
}

function recordOf(name: string): string {
  return `dn: CN=${name},OU=MQ,DC=corp,DC=example\nobjectClass: user\nsAMAccountName: ${name}\n`;
}

async function peakMb(words: string[]): Promise<number> {
  const { peakMb, stdout } = await peakOfRun(words);
  if (!/100000 added|"added":100000/.test(stdout)) throw new Error('not every certificate was planned');
  return peakMb;
}
