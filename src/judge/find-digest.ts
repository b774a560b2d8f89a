import { MsmqCertError } from '../errors.ts';
import type { Registered } from './state.ts';

/** The digest that a name is meant for, or why there is none. */
export type FoundDigest =
  | { kind: 'found'; digest: string }
  | { kind: 'none' }
  | { kind: 'ambiguous'; digests: string[] };

/**
 * The one digest of a user that begins like this: as the entry states it, or as the certificate has it.
 * @param prefix hexadecimal, all 32 digits or the first of them
 */
export function findDigest(entries: readonly Registered[], prefix: string): FoundDigest {
  const all = entries.flatMap(({ digest, md5 }) => [digest, md5]);
  const digests = [...new Set(all.filter((each) => each.startsWith(prefix)))];
  const [digest] = digests;
  if (digest === undefined) return { kind: 'none' };
  return digests.length === 1 ? { kind: 'found', digest } : { kind: 'ambiguous', digests };
}

export function ambiguousDigest(account: string, prefix: string, digests: readonly string[]): MsmqCertError {
  return new MsmqCertError('digest-ambiguous', `${digests.length} digests of ${account} begin with ${prefix}`, {
    problems: digests,
    hint: 'give more digits of the one that is meant',
  });
}
