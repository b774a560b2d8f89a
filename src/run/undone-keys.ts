import { existsSync } from 'node:fs';
import type { JournalHistory } from '../journal/read.ts';
import type { LeftKeys, UserResult } from '../plan/results.ts';

/** Adds the key files to a user's result that no certificate belongs to any more, now that the run that made them is undone. */
export function withOrphans(result: UserResult, undone: JournalHistory | null): UserResult {
  if (undone === null || result.outcome !== 'changed') return result;
  const pfxOf = keyFilesOf(undone);
  const left = result.items.flatMap(({ action, digest }): LeftKeys[] => {
    const path = action === 'removed' ? pfxOf.get(digest ?? '') : undefined;
    return path !== undefined && existsSync(path) ? [{ kind: 'orphaned', path }] : [];
  });
  return { ...result, leftKeys: [...(result.leftKeys ?? []), ...left] };
}

/** The PFX files that a run made, by the digest of their certificate. */
function keyFilesOf({ users }: JournalHistory): Map<string, string> {
  const items = [...users.values()].flatMap(({ swaps }) => swaps.flatMap(({ intent }) => intent.items));
  return new Map(
    items.flatMap(({ digest, files }) => (digest !== null && files !== null ? [[digest, files.pfx]] : [])),
  );
}
