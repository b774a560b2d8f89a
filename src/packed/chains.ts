import { smallNumbers } from './packed-list.ts';

/** Positions in chains, each in the order in which it was given its own: a few bytes a position, however many there are. */
export interface Chains {
  /** Appends a position, which is in no other chain; whether it is the first of this one. */
  add(chain: number, position: number): boolean;
  of(chain: number): Iterable<number>;
}

export function chains(): Chains {
  /** The first and the last of a chain, and after each the next; the first and the next counted from 1. */
  const [first, last, next] = [smallNumbers(), smallNumbers(), smallNumbers()];
  return {
    add(chain, position) {
      const isFirst = first.get(chain) === 0;
      if (isFirst) first.set(chain, position + 1);
      else next.set(last.get(chain), position + 1);
      last.set(chain, position);
      return isFirst;
    },
    *of(chain) {
      for (let after = first.get(chain); after !== 0; after = next.get(after - 1)) yield after - 1;
    },
  };
}
