const numbers = new Intl.NumberFormat('en');
const sizes = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** `1,234` as `1.23K`, for where there is no room. */
export function compact(value: number): string {
  return value < 1_000 ? String(value) : short.format(value);
}

export function count(value: number): string {
  return numbers.format(value);
}

/** `1 certificate`, `2 certificates`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${sizes.format(bytes / 1_000)} kB`;
  return `${sizes.format(bytes / 1_000_000)} MB`;
}

/** The day of an ISO instant. */
export function day(instant: string): string {
  return instant.slice(0, 10);
}
