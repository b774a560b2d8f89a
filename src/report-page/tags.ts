import { element } from './dom.ts';
import { meaningOf } from './finding-meanings.ts';
import { count } from './format.ts';

/** A tag for each finding, with its number when there is more than one: the broken first, then the most frequent. */
export function tags(findings: ReadonlyMap<string, number>): HTMLElement[] {
  const rank = (code: string) => (meaningOf(code).severity === 'broken' ? 0 : 1);
  return [...findings]
    .toSorted(([a, timesA], [b, timesB]) => rank(a) - rank(b) || timesB - timesA)
    .map(([code, times]) =>
      element('span', { class: `tag ${meaningOf(code).severity}` }, times === 1 ? code : `${code} × ${count(times)}`),
    );
}
