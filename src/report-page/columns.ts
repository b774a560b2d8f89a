import { svgElement } from './dom.ts';
import { compact, count, counted } from './format.ts';
import type { Period } from './months.ts';

const HEIGHT = 120;
/** Room for the mark of today and for the number above the highest column. */
const HEAD = 36;
/** Room for two lines of labels. */
const FOOT = 36;
const AXIS = HEAD + HEIGHT;
const FILLED = 0.72;

export interface Column extends Period {
  /** The first line below the axis, and the second, which may be empty. */
  label: string;
  below: string;
}

/** Where today is: in which column, and how far through it, from 0 to 1. */
export interface Mark {
  column: number;
  share: number;
}

/** A column a period: what has ended stands below what is to come. */
export function columnChart(columns: readonly Column[], mark: Mark): SVGElement {
  const highest = Math.max(1, ...columns.map(({ ended, coming }) => ended + coming));
  return svgElement(
    'svg',
    { class: 'columns', height: String(AXIS + FOOT), 'aria-hidden': 'true' },
    ...columns.flatMap((column, index) => drawn(column, index, columns.length, highest)),
    svgElement('line', { class: 'axis', x1: '0', x2: '100%', y1: String(AXIS), y2: String(AXIS) }),
    ...today(mark, columns.length),
  );
}

function drawn(column: Column, index: number, all: number, highest: number): SVGElement[] {
  const { name, ended, coming, label, below } = column;
  const heightOf = (part: number) => (part === 0 ? 0 : Math.max(2, (part / highest) * HEIGHT));
  const [endedHeight, comingHeight] = [heightOf(ended), heightOf(coming)];
  const top = AXIS - endedHeight - comingHeight;
  const x = percent((index + (1 - FILLED) / 2) / all);
  const width = percent(FILLED / all);
  const part = (kind: string, y: number, height: number) =>
    height === 0 ? [] : [svgElement('rect', { class: kind, x, width, y: String(y), height: String(height) })];
  const text = (kind: string, y: number, content: string) =>
    svgElement('text', { class: kind, x: percent((index + 0.5) / all), y: String(y) }, content);
  return [
    svgElement(
      'g',
      {},
      svgElement('title', {}, `${name}: ${told(ended, coming)}`),
      ...part('past', AXIS - endedHeight, endedHeight),
      ...part('coming', top, comingHeight),
      text('value', top - 5, ended + coming === 0 ? '' : compact(ended + coming)),
      text('label', AXIS + 15, label),
      text('label', AXIS + 30, below),
    ),
  ];
}

/** `3 certificates`, and how many of them have ended when some have and some have not. */
export function told(ended: number, coming: number): string {
  const all = counted(ended + coming, 'certificate');
  return ended === 0 || coming === 0 ? all : `${all}, ${count(ended)} of them ended`;
}

function today({ column, share }: Mark, all: number): SVGElement[] {
  const place = (column + share) / all;
  const x = percent(place);
  const anchor = place < 0.1 ? 'start' : place > 0.9 ? 'end' : 'middle';
  return [
    svgElement('line', { class: 'today', x1: x, x2: x, y1: '15', y2: String(AXIS + 3) }),
    svgElement('text', { class: `today ${anchor}`, x, y: '11' }, 'today'),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
