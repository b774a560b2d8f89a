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
  const placeOf = (index: number): Place => ({ from: index / columns.length, width: 1 / columns.length });
  const highest = Math.max(1, ...columns.map(({ ended, coming }) => ended + coming));
  return svgElement(
    'svg',
    { class: 'columns', height: String(AXIS + FOOT), 'aria-hidden': 'true' },
    ...columns.map((column, index) => bar(column, placeOf(index), highest)),
    svgElement('line', { class: 'axis', x1: '0', x2: '100%', y1: String(AXIS), y2: String(AXIS) }),
    ...today(mark, columns.length),
    // last, so that the mark does not cross them out
    ...columns.flatMap((column, index) => texts(column, placeOf(index), highest)),
  );
}

/** Where a column stands, as shares of the width. */
interface Place {
  from: number;
  width: number;
}

function heightOf(certificates: number, highest: number): number {
  return certificates === 0 ? 0 : Math.max(2, (certificates / highest) * HEIGHT);
}

function bar({ name, ended, coming }: Column, { from, width }: Place, highest: number): SVGElement {
  const endedHeight = heightOf(ended, highest);
  const part = (kind: string, bottom: number, height: number) => {
    const [x, y] = [percent(from + (width * (1 - FILLED)) / 2), String(bottom - height)];
    return svgElement('rect', { class: kind, x, y, width: percent(width * FILLED), height: String(height) });
  };
  return svgElement(
    'g',
    {},
    svgElement('title', {}, `${name}: ${told(ended, coming)}`),
    ...(ended === 0 ? [] : [part('past', AXIS, endedHeight)]),
    ...(coming === 0 ? [] : [part('coming', AXIS - endedHeight, heightOf(coming, highest))]),
  );
}

function texts({ ended, coming, label, below }: Column, { from, width }: Place, highest: number): SVGElement[] {
  const x = percent(from + width / 2);
  const top = AXIS - heightOf(ended, highest) - heightOf(coming, highest);
  return [
    ...(ended + coming === 0
      ? []
      : [svgElement('text', { class: 'value', x, y: String(top - 5) }, compact(ended + coming))]),
    svgElement('text', { x, y: String(AXIS + 15) }, label),
    svgElement('text', { x, y: String(AXIS + 30) }, below),
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
