export interface MonthCount {
  /** YYYY-MM */
  month: string;
  count: number;
}

export interface MonthWindow {
  /** Every month from the first to the last one shown, also those with nothing in them. */
  months: MonthCount[];
  earlier: number;
  later: number;
}

const SHOWN_BEFORE = 24;
/** Internal certificates are valid for eight years. */
const SHOWN_AFTER = 96;
const SHOWN_AT_LEAST = 12;

/**
 * The months to draw around the month of `now`: from up to two years before to up to eight years after it, no more than
 * there are counts for, but always the coming year.
 */
export function monthWindow(counts: readonly MonthCount[], now: string): MonthWindow {
  const current = indexOf(now);
  const byIndex = new Map(counts.map(({ month, count }) => [indexOf(month), count]));
  const within = [...byIndex.keys()].filter(
    (index) => index >= current - SHOWN_BEFORE && index <= current + SHOWN_AFTER,
  );
  const first = Math.min(current, ...within);
  const last = Math.max(current + SHOWN_AT_LEAST, ...within);
  const months: MonthCount[] = [];
  for (let index = first; index <= last; index++) months.push({ month: textOf(index), count: byIndex.get(index) ?? 0 });
  return {
    months,
    earlier: sumWhere(byIndex, (index) => index < first),
    later: sumWhere(byIndex, (index) => index > last),
  };
}

/** Months counted from year 0, so that they can be counted through: twelve times the year plus the month. */
function indexOf(instant: string): number {
  const [, year, month] = /^([+-]?\d+)-(\d\d)/.exec(instant) ?? [];
  return Number(year) * 12 + Number(month) - 1;
}

function textOf(index: number): string {
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`;
}

function sumWhere(counts: ReadonlyMap<number, number>, wanted: (index: number) => boolean): number {
  let sum = 0;
  for (const [index, count] of counts) if (wanted(index)) sum += count;
  return sum;
}
