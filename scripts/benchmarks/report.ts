import { table } from '../../src/cli/render/table.ts';
import { type Benchmark, type Measured, meets, type Target } from './benchmark.ts';

export type Outcome = ({ kind: 'measured' } & Measured) | { kind: 'failed'; error: string };

export interface Line {
  benchmark: Benchmark;
  outcome: Outcome;
}

/** A table for people: one line a benchmark, then the figures behind it. */
export function asText(lines: readonly Line[]): string {
  const rows = lines.map(({ benchmark, outcome }) => [
    benchmark.name,
    targetText(benchmark.target),
    ...(outcome.kind === 'failed'
      ? ['-', 'failed']
      : [quantity(outcome.measured, benchmark.target.unit), meets(benchmark.target, outcome.measured) ? 'yes' : 'no']),
    benchmark.what,
  ]);
  const figures = lines.map(({ benchmark, outcome }) => `${benchmark.name}: ${figuresOf(outcome)}`);
  return [table([['', 'target', 'measured', 'met', ''], ...rows]), '', ...figures].join('\n');
}

function targetText({ at, value, unit }: Target): string {
  return `at ${at} ${unit === 'times' ? value : `${value} ${unit}`}`;
}

function quantity(value: number, unit: Target['unit']): string {
  return unit === 'times' ? value.toFixed(2) : `${value.toFixed(0)} ${unit}`;
}

function figuresOf(outcome: Outcome): string {
  if (outcome.kind === 'failed') return outcome.error;
  return Object.entries(outcome.details)
    .map(([name, value]) => `${name} ${rounded(value)}`)
    .join(', ');
}

/** The same for programs. */
export function asJson(lines: readonly Line[]): string {
  const benchmarks = lines.map(({ benchmark: { name, what, target }, outcome }) =>
    outcome.kind === 'failed'
      ? { name, what, target, error: outcome.error }
      : {
          name,
          what,
          target,
          measured: rounded(outcome.measured),
          met: meets(target, outcome.measured),
          details: Object.fromEntries(Object.entries(outcome.details).map(([key, value]) => [key, rounded(value)])),
        },
  );
  return JSON.stringify({ schema: 1, node: process.version, benchmarks }, null, 2);
}

function rounded(value: number): number {
  return Number(value.toFixed(value < 100 ? 2 : 0));
}
