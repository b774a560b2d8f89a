import { type User, userKey } from '../../directory/directory.ts';
import { digestNumbers } from '../../packed/digest-set.ts';
import { smallNumbers } from '../../packed/packed-list.ts';

/** How much of a run is done, counted in certificates where it makes some, and else in users. */
export interface Tally {
  started(users: Iterable<{ user: User; wanted: readonly unknown[] }>): void;
  /** How many certificates a user gets is known for certain. */
  planned(user: User, certificates: number): void;
  /** The key of one of them is there. */
  made(user: User): void;
  finished(user: User): void;
  total(): number;
  done(): number;
}

interface Part {
  weight: number;
  done: number;
}

export function tallyOf(unit: 'certificates' | 'users'): Tally {
  const byUser = digestNumbers();
  const [weights, made] = [smallNumbers(), smallNumbers()];
  let [total, done] = [0, 0];

  const change = (user: User, next: (part: Part) => Part) => {
    const position = byUser(userKey(user));
    const before = { weight: weights.get(position), done: made.get(position) };
    const after = next(before);
    weights.set(position, after.weight);
    made.set(position, after.done);
    total += after.weight - before.weight;
    done += after.done - before.done;
  };
  return {
    started(users) {
      for (const { user, wanted } of users) {
        const weight = unit === 'users' ? 1 : Math.max(1, wanted.length);
        change(user, () => ({ weight, done: 0 }));
      }
    },
    planned(user, certificates) {
      if (unit === 'certificates') change(user, (part) => ({ ...part, weight: Math.max(part.weight, certificates) }));
    },
    made(user) {
      if (unit === 'certificates') change(user, (part) => ({ ...part, done: Math.min(part.weight, part.done + 1) }));
    },
    finished: (user) => change(user, ({ weight }) => ({ weight, done: weight })),
    total: () => total,
    done: () => done,
  };
}
