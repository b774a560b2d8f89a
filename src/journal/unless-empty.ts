import type { Journal } from './write.ts';

/** A journal that is removed when it is closed and has nothing to tell; `path` is null as long as that is so. */
export function unlessEmpty(journal: Journal, path: string): Journal & { path(): string | null } {
  let isTold = false;
  let keys = 0;
  const isEmpty = () => !isTold && keys === 0;
  return {
    ...journal,
    path: () => (isEmpty() ? null : path),
    async key(...facts) {
      keys++;
      await journal.key(...facts);
    },
    async dropKey(...facts) {
      await journal.dropKey(...facts);
      keys--;
    },
    async intend(...facts) {
      isTold = true;
      await journal.intend(...facts);
    },
    async hook(...facts) {
      isTold = true;
      await journal.hook(...facts);
    },
    close: () => (isEmpty() ? journal.abandon() : journal.close()),
  };
}
