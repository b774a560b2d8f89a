import { type User, userKey } from '../../directory/directory.ts';

/** How much of a run is done, counted in certificates where it makes some, and else in users. */
export interface Tally {
  started(users: readonly { user: User; wanted: readonly unknown[] }[]): void;
  /** How many certificates a user gets is known for certain. */
  planned(user: User, certificates: number): void;
  /** The key of one of them is there. */
  made(user: User): void;
  finished(user: User): void;
  total(): number;
  done(): number;
}

export function tallyOf(unit: 'certificates' | 'users'): Tally {
  const parts = new Map<string, { weight: number; done: number }>();
  let [total, done] = [0, 0];

  const change = (user: User, next: (part: { weight: number; done: number }) => { weight: number; done: number }) => {
    const before = parts.get(userKey(user)) ?? { weight: 0, done: 0 };
    const after = next(before);
    parts.set(userKey(user), after);
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
      if (unit === 'certificates')
        change(user, ({ weight, done: made }) => ({ weight, done: Math.min(weight, made + 1) }));
    },
    finished: (user) => change(user, ({ weight }) => ({ weight, done: weight })),
    total: () => total,
    done: () => done,
  };
}
