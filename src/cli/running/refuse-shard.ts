import { MsmqCertError } from '../../errors.ts';
import type { RunSettings } from '../settings.ts';

/**
 * For commands that take up a journal: it says by itself whom its run was for.
 * @throws MsmqCertError usage
 */
export function refuseShard({ shard }: Pick<RunSettings, 'shard'>): void {
  if (shard === undefined) return;
  throw new MsmqCertError('usage', `--shard ${shard.index}/${shard.count} is given, and a journal`, {
    hint: 'leave it away: each shard has a journal of its own',
  });
}
