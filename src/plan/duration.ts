import ms from 'ms';

/** A calendar month is as long as a twelfth of a year: no certificate depends on its days. */
const MONTH_MS = ms('1y') / 12;

/** A duration such as 30d, 6mo, 8y or 12h in milliseconds; null when the text is none. */
export function durationOf(text: string): number | null {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) *([a-z]+)$/i.exec(text) ?? [];
  if (number === undefined) return null;
  const value = /^mo(nths?)?$/i.test(unit) ? Number(number) * MONTH_MS : ms(`${number}${unit}` as ms.StringValue);
  return value !== undefined && value > 0 ? value : null;
}
