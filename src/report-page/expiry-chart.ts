import type { PageData } from './data.ts';
import { element, svgElement } from './dom.ts';
import { count, counted } from './format.ts';
import { type MonthCount, monthWindow } from './months.ts';

const HEIGHT = 150;
const LABELS = 22;
const HEADROOM = 18;

/** Certificates by the month they end in: a bar a month, what has passed in another colour. */
export function expiryChart({ expiryByMonth, generatedAt }: PageData): Node[] {
  const { months, earlier, later } = monthWindow(expiryByMonth, generatedAt);
  const highest = Math.max(1, ...months.map((each) => each.count));
  const chart = svgElement(
    'svg',
    { class: 'months', height: String(HEADROOM + HEIGHT + LABELS), 'aria-hidden': 'true' },
    svgElement('text', { x: '0', y: '12', class: 'scale' }, count(highest)),
    line(HEADROOM, 'grid'),
    ...months.map((month, index) => bar(month, index, months.length, highest, generatedAt)),
    line(HEADROOM + HEIGHT, 'axis'),
    ...yearLabels(months),
  );
  return [chart, monthTable(months), ...beyond(months, earlier, later)];
}

function bar({ month, count }: MonthCount, index: number, all: number, highest: number, now: string): SVGElement {
  const height = count === 0 ? 0 : Math.max(2, (count / highest) * HEIGHT);
  const state = month < now.slice(0, 7) ? 'past' : 'coming';
  return svgElement(
    'rect',
    {
      class: state,
      x: percent(index / all),
      y: String(HEADROOM + HEIGHT - height),
      width: percent(0.8 / all),
      height: String(height),
    },
    svgElement('title', {}, `${month}: ${counted(count, 'certificate')}`),
  );
}

function line(y: number, kind: string): SVGElement {
  return svgElement('line', { class: kind, x1: '0', x2: '100%', y1: String(y), y2: String(y) });
}

/** The year below each January that has room for it. */
function yearLabels(months: readonly MonthCount[]): SVGElement[] {
  return months.flatMap(({ month }, index) => {
    const place = index / months.length;
    if (!month.endsWith('-01') || place > 0.94) return [];
    const label = { class: 'scale', x: percent(place), y: String(HEADROOM + HEIGHT + 16) };
    return [svgElement('text', label, month.slice(0, 4))];
  });
}

/** The same for people who cannot see the bars. */
function monthTable(months: readonly MonthCount[]): HTMLElement {
  const rows = months
    .filter((each) => each.count > 0)
    .map((each) =>
      element('tr', {}, element('th', { scope: 'row' }, each.month), element('td', {}, count(each.count))),
    );
  const caption = element('caption', {}, 'Certificates by the month they end in');
  return element('div', { class: 'for-screen-readers' }, element('table', {}, caption, ...rows));
}

function beyond(months: readonly MonthCount[], earlier: number, later: number): HTMLElement[] {
  const said: string[] = [];
  if (earlier > 0) said.push(`${count(earlier)} ended before ${months[0]?.month}`);
  if (later > 0) said.push(`${count(later)} end after ${months.at(-1)?.month}`);
  return said.length === 0 ? [] : [element('p', { class: 'note' }, `${said.join(', ')}.`)];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
