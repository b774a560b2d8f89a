import type { User } from '../directory/directory.ts';
import { chains } from '../packed/chains.ts';
import { nameIndex } from '../packed/name-index.ts';
import { jsonList, type Sequence } from '../packed/packed-list.ts';
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
  /** By position in the targets. */
  const targetsOf = chains();

  function positionOf(dn: string): number | undefined {
    return byDn.find(dn).find((position) => users.at(position)?.dn.toLowerCase() === dn);
  }

  function wantedOf(position: number): Wanted[] {
    return [...targetsOf.of(position)].flatMap((target) => targets.at(target)?.wanted ?? []);
  }

  function at(position: number): Known | undefined {
    const user = users.at(position);
    return user === undefined ? undefined : { user, wanted: wantedOf(position) };
  }

  return {
    note(user, target) {
      const dn = user.dn.toLowerCase();
      const position = positionOf(dn) ?? users.push(user);
      if (targetsOf.add(position, target)) byDn.add(dn, position);
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
