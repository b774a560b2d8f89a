const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));

/**
 * What toISOString gives, for the times in certificates: they have no milliseconds. It takes a third as long, which
 * counts with two times a certificate.
 */
export function timeText(time: Date): string {
  const year = time.getUTCFullYear();
  if (!(year >= 1000 && year <= 9999) || time.getUTCMilliseconds() !== 0) return time.toISOString();
  const month = TWO_DIGITS[time.getUTCMonth() + 1];
  const day = TWO_DIGITS[time.getUTCDate()];
  const hour = TWO_DIGITS[time.getUTCHours()];
  const minute = TWO_DIGITS[time.getUTCMinutes()];
  return `${year}-${month}-${day}T${hour}:${minute}:${TWO_DIGITS[time.getUTCSeconds()]}.000Z`;
}
