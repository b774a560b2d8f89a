/** What a measured value is held against: at least or at most this many times, milliseconds or megabytes. */
export interface Target {
  at: 'least' | 'most';
  value: number;
  unit: 'times' | 'ms' | 'MB';
}

/** One comparison of ours with what the machine, or a plainer way, can do in the same minute. */
export interface Benchmark {
  name: string;
  what: string;
  target: Target;
  measure(): Promise<Measured>;
}

export interface Measured {
  /** In the target's unit. */
  measured: number;
  /** What it was computed from: medians and sizes, by names that carry their unit. */
  details: Record<string, number>;
}

export function meets({ at, value }: Target, measured: number): boolean {
  return at === 'least' ? measured >= value : measured <= value;
}
