import { MsmqCertError } from '../errors.ts';

/**
 * A digest as people write it, with or without colons, in the form that the tool prints.
 * @throws MsmqCertError usage
 */
export function parseDigest(text: string): string {
  const digest = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(digest)) return digest;
  throw new MsmqCertError('usage', `the digest ${text} is no MD5`, {
    hint: 'give 32 hexadecimal digits, as list prints them',
  });
}
