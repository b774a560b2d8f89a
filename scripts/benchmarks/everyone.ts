import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peakOf, summaryIn } from './audit-run.ts';
import { writeExport } from './audit-users.ts';
import type { Benchmark } from './benchmark.ts';
import { inTurns, median, timesAsLong } from './turns.ts';

const USERS = 20_000;
const IN_TROUBLE = 1000;
const CERTIFICATES = 5;
const ROUNDS = 5;

export const everyoneBenchmark: Benchmark = {
  name: 'everyone',
  what: 'finding 1,000 users in trouble among 20,000 with renew --everyone --broken, to an audit of the same file',
  target: { at: 'most', value: 1.5, unit: 'times' },
  measure,
};

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'msmq-cert-bench-'));
  try {
    const whole = join(folder, 'users.ldif');
    const quarter = join(folder, 'quarter.ldif');
    await writeExport(whole, USERS, CERTIFICATES, (user) => user % (USERS / IN_TROUBLE) === 0);
    await writeExport(quarter, USERS / 4, CERTIFICATES, (user) => user % (USERS / IN_TROUBLE) === 0);
    const output = join(folder, 'renew.json');
    const words = ['renew', '--everyone', '--broken', '--dry-run', '--directory'];
    const mbForQuarter = await peakOf([...words, `ldif:${quarter}`], output);
    const peaks: number[] = [];
    const renew = async () => peaks.push(await peakOf([...words, `ldif:${whole}`], output));
    const audit = () => peakOf(['audit', '--directory', `ldif:${whole}`], join(folder, 'audit.json'));
    const turns = await inTurns(ROUNDS, renew, audit);
    const { users } = await summaryIn(output);
    if (users !== IN_TROUBLE) throw new Error(`the run found ${users} users in trouble, not ${IN_TROUBLE}`);
    return {
      measured: timesAsLong(turns),
      details: {
        renewMs: median(turns.ours),
        auditMs: median(turns.reference),
        mbFor5000Users: mbForQuarter,
        mbFor20000Users: Math.max(...peaks),
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
