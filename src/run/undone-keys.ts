import { existsSync } from 'node:fs';
import { keptAs, mainFile } from '../certificate/key-files/custody.ts';
import type { KeyFiles } from '../certificate/key-files/key-files.ts';
import { userKey } from '../directory/directory.ts';
import type { JournalHistory } from '../journal/read.ts';
import type { UserHistory } from '../journal/users.ts';
import type { LeftKeys, UserResult } from '../plan/results.ts';

/** Adds the key files to a user's result that no certificate belongs to any more, now that the run that made them is undone. */
export function withOrphans(result: UserResult, undone: JournalHistory | null): UserResult {
  if (undone === null || result.outcome !== 'changed') return result;
  const history = undone.of(userKey(result.user));
  if (history === undefined) return result;
  const filesOf = keyFilesOf(history);
  const { account } = result.user;
  const left = result.items.flatMap(({ action, digest }): LeftKeys[] => {
    const files = action === 'removed' && digest !== null ? filesOf.get(digest) : undefined;
    if (digest === null || files === undefined) return [];
    const path = mainFile(files);
    const isWithSink = keptAs(files) === 'sink';
    return [
      ...(existsSync(path) ? [{ kind: 'orphaned', path } as const] : []),
      ...(isWithSink ? [{ kind: 'handed-over', account, digest } as const] : []),
    ];
  });
  return { ...result, leftKeys: [...(result.leftKeys ?? []), ...left] };
}

/** The key sets that a run made for a user, by the digest of their certificate. */
function keyFilesOf({ swaps }: UserHistory): Map<string, KeyFiles> {
  const items = swaps.flatMap(({ intent }) => intent.items);
  return new Map(items.flatMap(({ digest, files }) => (digest !== null && files !== null ? [[digest, files]] : [])));
}
