import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { auditBenchmark } from './audit.ts';
import { auditMemoryBenchmark } from './audit-memory.ts';
import type { Benchmark } from './benchmark.ts';
import { bulkBenchmark, byHandBenchmark } from './bulk.ts';
import { decodeBenchmark } from './decode.ts';
import { everyoneBenchmark } from './everyone.ts';
import { issueBenchmark } from './issue.ts';
import { journalMemoryBenchmark } from './journal-memory.ts';
import { manifestMemoryBenchmark } from './manifest-memory.ts';
import { millionMemoryBenchmark, planMemoryBenchmark } from './million-memory.ts';
import { modifyBenchmark } from './modify.ts';
import { oneModifyBenchmark } from './one-modify.ts';
import { queueWorkersBenchmark } from './queue-workers.ts';
import { asJson, asText, type Line, type Outcome } from './report.ts';
import { startupBenchmark } from './startup.ts';

// As src/cli/main.ts does, before the thread pool is first used: bare keys and issued certificates are made in it.
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, availableParallelism() + 2));

const benchmarks: readonly Benchmark[] = [
  issueBenchmark,
  decodeBenchmark,
  modifyBenchmark,
  startupBenchmark,
  bulkBenchmark,
  byHandBenchmark,
  oneModifyBenchmark,
  manifestMemoryBenchmark,
  millionMemoryBenchmark,
  planMemoryBenchmark,
  journalMemoryBenchmark,
  auditBenchmark,
  auditMemoryBenchmark,
  everyoneBenchmark,
  queueWorkersBenchmark,
];

const help = `Measures what the project promises about speed, as ratios to what this machine can do in the same run.

  scripts/bench [name…] [--json]
      ${benchmarks.map(({ name }) => name).join(', ')}; all of them when none is named
      --json: the figures as JSON on standard output, the table on standard error

A missed target is printed, not an error: the exit code is 1 only when a benchmark could not run.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return console.log(help);

  const lines: Line[] = [];
  for (const benchmark of chosen(positionals)) {
    console.error(`${benchmark.name} …`);
    lines.push({ benchmark, outcome: await outcomeOf(benchmark) });
  }
  if (values.json) {
    console.error(asText(lines));
    console.log(asJson(lines));
  } else console.log(asText(lines));
  if (lines.some(({ outcome }) => outcome.kind === 'failed')) process.exitCode = 1;
}

function chosen(names: readonly string[]): readonly Benchmark[] {
  const unknown = names.find((name) => benchmarks.every((benchmark) => benchmark.name !== name));
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}`);
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

async function outcomeOf(benchmark: Benchmark): Promise<Outcome> {
  try {
    return { kind: 'measured', ...(await benchmark.measure()) };
  } catch (error) {
    return { kind: 'failed', error: error instanceof Error ? error.message : String(error) };
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}; try scripts/bench --help`);
  process.exitCode = 2;
}
