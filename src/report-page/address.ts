import { type Direction, type Selection, type SortKey, sortKeys } from './rows.ts';

/** What the table shows when the address says nothing. */
export const FIRST: Selection = { search: '', finding: '', sortedBy: 'findings', direction: 'descending' };

const directions: readonly Direction[] = ['ascending', 'descending'];

/** What the fragment of an address selects. It may be anybody's: what makes no sense in it is as if not there. */
export function selectionIn(fragment: string, findings: readonly string[]): Selection {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  const oneOf = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((each) => each === given.get(name)) ?? otherwise;
  return {
    search: given.get('search') ?? FIRST.search,
    finding: oneOf('finding', findings, FIRST.finding),
    sortedBy: oneOf<SortKey>('sort', sortKeys, FIRST.sortedBy),
    direction: oneOf<Direction>('order', directions, FIRST.direction),
  };
}

/** The same as a fragment with its #; empty for what is shown at first. */
export function fragmentFor({ search, finding, sortedBy, direction }: Selection): string {
  const told = new URLSearchParams();
  if (search !== FIRST.search) told.set('search', search);
  if (finding !== FIRST.finding) told.set('finding', finding);
  if (sortedBy !== FIRST.sortedBy) told.set('sort', sortedBy);
  if (direction !== FIRST.direction) told.set('order', direction);
  return told.size === 0 ? '' : `#${told}`;
}
