import { MsmqCertError } from '../errors.ts';

/**
 * A digest as people write it, or its beginning where that tells the certificates of one user apart.
 * @throws MsmqCertError usage
 */
export function parseDigestPrefix(text: string): string {
  const prefix = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{6,32}$/.test(prefix)) return prefix;
  throw new MsmqCertError('usage', `${text} is no digest, nor the beginning of one`, {
    hint: 'give the 32 hexadecimal digits that list prints, or at least the first 6',
  });
}

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
