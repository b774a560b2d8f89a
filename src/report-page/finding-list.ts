import { button, element, svgElement } from './dom.ts';
import { meaningOf } from './finding-meanings.ts';
import { count } from './format.ts';

/** One line a code, the most frequent first: how often and what it means. Choosing one filters the users. */
export function findingList(findings: Readonly<Record<string, number>>, chosen: (code: string) => void): Node {
  const counted = Object.entries(findings).toSorted(([, a], [, b]) => b - a);
  if (counted.length === 0) return element('p', { class: 'note' }, 'Nothing was found.');
  const highest = Math.max(...counted.map(([, times]) => times));
  const head = element(
    'tr',
    {},
    element('th', { scope: 'col' }, 'Finding'),
    element('th', { scope: 'col', class: 'number' }, 'Count'),
    element('td', { class: 'share' }),
    element('th', { scope: 'col' }, 'What it means'),
  );
  return element(
    'table',
    { class: 'findings' },
    element('thead', {}, head),
    element('tbody', {}, ...counted.map(([code, times]) => findingRow(code, times, times / highest, chosen))),
  );
}

function findingRow(code: string, times: number, share: number, chosen: (code: string) => void): HTMLElement {
  const { severity, text } = meaningOf(code);
  const choose = button({ class: `tag ${severity}`, title: `Show the users with ${code}` }, code, () => chosen(code));
  const bar = svgElement('rect', { class: severity, width: `${Math.max(share * 100, 1).toFixed(2)}%`, height: '100%' });
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, choose),
    element('td', { class: 'number' }, count(times)),
    element('td', { class: 'share' }, svgElement('svg', { 'aria-hidden': 'true' }, bar)),
    element('td', {}, text),
  );
}
