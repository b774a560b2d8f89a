import ms from 'ms';

/** A duration such as 30d, 8y or 12h in milliseconds; null when the text is none. */
export function durationOf(text: string): number | null {
  const value = /^[\d.]+ *[a-z]+$/i.test(text) ? ms(text as ms.StringValue) : undefined;
  return value !== undefined && value > 0 ? value : null;
}
