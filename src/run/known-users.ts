import type { User } from '../directory/directory.ts';
import { nameIndex } from '../packed/name-index.ts';
import { jsonList, type Sequence, smallNumbers } from '../packed/packed-list.ts';
import type { Target, Wanted } from '../plan/request.ts';

/** A user, and what was asked for him. */
export interface Known {
  user: User;
  wanted: Wanted[];
}

export interface KnownUsers extends Sequence<Known> {
  /** One target, by its position, stands for this user. */
  note(user: User, target: number): void;
}

/** The users that targets stand for: one who is named twice gets what was asked for under both names. */
export function knownUsers(targets: Sequence<Target>): KnownUsers {
  const users = jsonList<User>();
  const byDn = nameIndex();
  /** The targets of a user, by position in the targets: the first and the last, and after each the next, counted from 1. */
  const [first, last, next] = [smallNumbers(), smallNumbers(), smallNumbers()];

  function positionOf(dn: string): number | undefined {
    return byDn.find(dn).find((position) => users.at(position)?.dn.toLowerCase() === dn);
  }

  function wantedOf(position: number): Wanted[] {
    const wanted: Wanted[] = [];
    for (let target = first.get(position); target !== 0; target = next.get(target - 1)) {
      wanted.push(...(targets.at(target - 1)?.wanted ?? []));
    }
    return wanted;
  }

  function at(position: number): Known | undefined {
    const user = users.at(position);
    return user === undefined ? undefined : { user, wanted: wantedOf(position) };
  }

  return {
    note(user, target) {
      const dn = user.dn.toLowerCase();
      const position = positionOf(dn) ?? users.push(user);
      if (first.get(position) === 0) {
        byDn.add(dn, position);
        first.set(position, target + 1);
      } else next.set(last.get(position), target + 1);
      last.set(position, target);
    },
    get length() {
      return users.length;
    },
    at,
    *[Symbol.iterator]() {
      for (let position = 0; position < users.length; position++) {
        const known = at(position);
        if (known !== undefined) yield known;
      }
    },
  };
}
