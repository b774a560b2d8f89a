import { button, element, svgElement } from './dom.ts';
import { count, counted } from './format.ts';
import type { Row } from './rows.ts';

const SHOWN = 12;
const NEAR = 0.9;

/** The users with the most certificates as bars against the limit, and how all the others are spread. */
export function limitChart(rows: readonly Row[], limit: number, chosen: (row: Row) => void): Node[] {
  const ranked = rows.filter((row) => held(row) > 0).toSorted((a, b) => held(b) - held(a));
  if (ranked.length === 0) return [element('p', { class: 'note' }, 'No user has a certificate.')];
  const top = ranked.slice(0, SHOWN);
  const scale = Math.max(limit, ...top.map(held)) * 1.02;
  return [
    element('p', { class: 'limit-key' }, `limit ${counted(limit, 'certificate')}`),
    element('ol', { class: 'bars' }, ...top.map((row) => bar(row, limit, scale, chosen))),
    element('p', { class: 'note' }, spread(ranked, limit)),
  ];
}

function bar(row: Row, limit: number, scale: number, chosen: (row: Row) => void): HTMLElement {
  const certificates = held(row);
  const state = certificates >= limit * NEAR ? 'past' : 'coming';
  const at = percent(limit / scale);
  return element(
    'li',
    {},
    button({ class: 'link', title: row.user.user }, row.user.user, () => chosen(row)),
    svgElement(
      'svg',
      { 'aria-hidden': 'true' },
      svgElement('rect', { class: state, y: '25%', height: '50%', width: percent(certificates / scale), rx: '1' }),
      svgElement('line', { class: 'limit', x1: at, x2: at, y1: '0', y2: '100%' }),
    ),
    element('span', { class: 'number' }, count(certificates)),
  );
}

function spread(ranked: readonly Row[], limit: number): string {
  const near = ranked.filter((row) => held(row) >= limit * NEAR).length;
  const full = near === 0 ? 'No user is' : `${counted(near, 'user')} ${near === 1 ? 'is' : 'are'}`;
  const median = ranked[Math.floor(ranked.length / 2)];
  const middle = median === undefined ? '' : ` Half of the users with certificates have ${held(median)} or fewer.`;
  return `${full} at 90\u00a0% of the limit or above.${middle}`;
}

function held({ user }: Row): number {
  return user.certificates.length;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
