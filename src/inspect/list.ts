import limit from 'p-limit';
import type { Directory } from '../directory/directory.ts';
import { isInShard, type Shard } from '../directory/shard.ts';
import { type MsmqCertError, toMsmqCertError } from '../errors.ts';
import { assessKnowingly, type Criteria, type UserState } from '../judge/state.ts';

export interface Listing {
  states: UserState[];
  errors: { user: string; error: MsmqCertError }[];
}

const READS_AT_ONCE = 8;

/**
 * Reads and judges what is registered for each of these users. A name that cannot be resolved or read is in `errors`,
 * and so is a malformed blob, next to its state; the others go on.
 * @param shard only these users; a name that stands for nobody is told of in every shard
 */
export async function list(
  directory: Directory,
  names: readonly string[],
  criteria: Criteria,
  shard: Shard | null = null,
): Promise<Listing> {
  const answers = await limit(READS_AT_ONCE).map(names, async (name) => {
    try {
      const user = await directory.findUser(name);
      if (shard !== null && !isInShard(user, shard)) return { kind: 'of-another-shard' as const };
      return await assessKnowingly(user, await directory.read(user), criteria);
    } catch (error) {
      return { kind: 'unread' as const, user: name, error: toMsmqCertError(error) };
    }
  });
  const states = answers.filter((answer) => answer.kind === 'decoded' || answer.kind === 'malformed');
  const failed = answers.filter((answer) => answer.kind === 'unread').map(({ user, error }) => ({ user, error }));
  const malformed = states.flatMap((state) =>
    state.kind === 'malformed' ? [{ user: state.user.account, error: state.error }] : [],
  );
  return { states, errors: [...failed, ...malformed] };
}
