import { element } from './dom.ts';
import { meaningOf } from './finding-meanings.ts';
import { counted } from './format.ts';
import type { Row } from './rows.ts';

/** A tag for each finding, with the certificates that have it: the broken first, then the most frequent. */
export function tags({ findings, certificateFindings }: Pick<Row, 'findings' | 'certificateFindings'>): HTMLElement[] {
  const rank = (code: string) => (meaningOf(code).severity === 'broken' ? 0 : 1);
  return [...findings]
    .toSorted(([a, timesA], [b, timesB]) => rank(a) - rank(b) || timesB - timesA)
    .map(([code]) => {
      const certificates = certificateFindings.get(code);
      return findingTag(code, certificates === undefined ? code : `${code}: ${counted(certificates, 'certificate')}`);
    });
}

export function findingTag(code: string, text: string): HTMLElement {
  return element('span', { class: `tag ${meaningOf(code).severity}` }, text);
}
