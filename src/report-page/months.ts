export interface MonthCount {
  /** YYYY-MM */
  month: string;
  count: number;
}

/** How many certificates end in a month or year; in the present one some have ended and others have not. */
export interface Period {
  /** YYYY-MM or YYYY */
  name: string;
  ended: number;
  coming: number;
}

export interface Periods {
  /** One after the other without gaps, also those in which nothing ends. */
  periods: Period[];
  /** What ends before the first of them, and after the last. */
  earlier: number;
  later: number;
}

export interface Ends {
  byMonth: readonly MonthCount[];
  /** Of those that end in the present month: how many have. */
  endedThisMonth: number;
  /** ISO 8601. */
  now: string;
}

const MONTHS_AHEAD = 12;
const YEARS_BACK = 5;
/** Internal certificates are valid for eight years. */
const YEARS_AHEAD = 10;

/** The present month and the twelve after it. */
export function nextTwelveMonths(ends: Ends): Periods {
  const current = monthIndex(ends.now);
  return periodsOf(ends, {
    first: current,
    last: current + MONTHS_AHEAD,
    indexOf: (month) => month,
    nameOf: monthName,
  });
}

/** The years in which something ends, with the present one: from five years back to ten ahead. */
export function yearsAround(ends: Ends): Periods {
  const indexOf = (month: number) => Math.floor(month / 12);
  const current = indexOf(monthIndex(ends.now));
  const within = ends.byMonth
    .map(({ month }) => indexOf(monthIndex(month)))
    .filter((year) => year >= current - YEARS_BACK && year <= current + YEARS_AHEAD);
  const [first, last] = [Math.min(current, ...within), Math.max(current, ...within)];
  return periodsOf(ends, { first, last, indexOf, nameOf: yearName });
}

interface Division {
  first: number;
  last: number;
  /** The period of a month. */
  indexOf(month: number): number;
  nameOf(index: number): string;
}

function periodsOf({ byMonth, endedThisMonth, now }: Ends, { first, last, indexOf, nameOf }: Division): Periods {
  const current = monthIndex(now);
  const periods: Period[] = [];
  for (let index = first; index <= last; index++) periods.push({ name: nameOf(index), ended: 0, coming: 0 });
  let [earlier, later] = [0, 0];
  for (const { month, count } of byMonth) {
    const at = monthIndex(month);
    const period = periods[indexOf(at) - first];
    const ended = at < current ? count : at === current ? endedThisMonth : 0;
    if (period !== undefined) {
      period.ended += ended;
      period.coming += count - ended;
    } else if (indexOf(at) < first) earlier += count;
    else later += count;
  }
  return { periods, earlier, later };
}

/** Months counted from year 0, so that they can be counted through: twelve times the year plus the month. */
function monthIndex(instant: string): number {
  const [, year, month] = /^([+-]?\d+)-(\d\d)/.exec(instant) ?? [];
  return Number(year) * 12 + Number(month) - 1;
}

function monthName(index: number): string {
  return `${yearName(Math.floor(index / 12))}-${String((index % 12) + 1).padStart(2, '0')}`;
}

function yearName(year: number): string {
  return String(year).padStart(4, '0');
}
