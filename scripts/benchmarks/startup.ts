import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from './benchmark.ts';
import { inTurns, median } from './turns.ts';

const ROUNDS = 31;
const builtCommand = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export const startupBenchmark: Benchmark = {
  name: 'startup',
  what: 'msmq-cert --version, slower than node -e 0',
  target: { at: 'most', value: 80, unit: 'ms' },
  measure,
};

async function measure() {
  const turns = await inTurns(
    ROUNDS,
    () => runNode(builtCommand, '--version'),
    () => runNode('-e', '0'),
  );
  const versionMs = median(turns.ours);
  const bareNodeMs = median(turns.reference);
  return { measured: versionMs - bareNodeMs, details: { versionMs, bareNodeMs } };
}

function runNode(...words: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`);
}
