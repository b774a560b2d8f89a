/** Durations in milliseconds, one of each a round: what a busy machine does to one it mostly does to the other. */
export interface Turns {
  ours: number[];
  reference: number[];
}

type Work = () => unknown;

/** Measures two ways of doing something in turns, after one round that does not count. */
export async function inTurns(rounds: number, ours: Work, reference: Work): Promise<Turns> {
  const turns: Turns = { ours: [], reference: [] };
  for (let round = 0; round <= rounds; round++) {
    const times = { reference: await duration(reference), ours: await duration(ours) };
    if (round === 0) continue;
    turns.ours.push(times.ours);
    turns.reference.push(times.reference);
  }
  return turns;
}

/** How many times as long as the reference ours takes: the median over the rounds. */
export function timesAsLong({ ours, reference }: Turns): number {
  return median(ours.map((time, round) => time / (reference[round] ?? Number.NaN)));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function duration(work: Work): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
