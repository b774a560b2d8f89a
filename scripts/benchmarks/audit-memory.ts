import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peakOf, summaryIn } from './audit-run.ts';
import { writeExport } from './audit-users.ts';
import type { Benchmark } from './benchmark.ts';

const CERTIFICATES = 10;

export const auditMemoryBenchmark: Benchmark = {
  name: 'audit-memory',
  what: 'peak memory of an audit of an LDIF file with 50,000 users of 10 certificates each',
  target: { at: 'most', value: 250, unit: 'MB' },
  measure,
};

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    const of5000 = await peakMb(folder, 5_000);
    const of20000 = await peakMb(folder, 20_000);
    const of50000 = await peakMb(folder, 50_000);
    return {
      measured: of50000,
      details: { mbFor5000Users: of5000, mbFor20000Users: of20000, mbFor50000Users: of50000 },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function peakMb(folder: string, users: number): Promise<number> {
  const file = join(folder, 'users.ldif');
  await writeExport(file, users, CERTIFICATES);
  const output = join(folder, 'audit.json');
  const peakMb = await peakOf(['audit', '--directory', `ldif:${file}`], output);
  const summary = await summaryIn(output);
  if (summary.users !== users) throw new Error(`the audit counted ${summary.users} of ${users} users`);
  return peakMb;
}
