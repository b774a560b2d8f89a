import { type Column, columnChart, type Mark, told } from './columns.ts';
import type { PageData } from './data.ts';
import { element } from './dom.ts';
import { counted } from './format.ts';
import { type Ends, nextTwelveMonths, type Period, type Periods, yearsAround } from './months.ts';

/** Certificates by when they end: the coming twelve months one by one, then all years. */
export function expiryChart(data: PageData): Node[] {
  const ends = endsIn(data);
  const months = nextTwelveMonths(ends);
  const years = yearsAround(ends);
  return [
    element('h3', {}, 'The next twelve months'),
    columnChart(months.periods.map(monthColumn), { column: 0, share: shareOfMonth(ends.now) }),
    periodTable('Certificates by the month they end in', months),
    ...beyond(months, monthText),
    element('h3', {}, 'All years'),
    columnChart(years.periods.map(yearColumn), markIn(years.periods, ends.now)),
    periodTable('Certificates by the year they end in', years),
    ...beyond(years, String),
  ];
}

function endsIn({ users, expiryByMonth, generatedAt: now }: PageData): Ends {
  const thisMonth = users
    .flatMap(({ certificates }) => certificates)
    .filter(({ notAfter }) => notAfter?.slice(0, 7) === now.slice(0, 7));
  const endedThisMonth = thisMonth.filter(({ notAfter }) => notAfter !== null && notAfter < now).length;
  return { byMonth: expiryByMonth, endedThisMonth, now };
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function monthColumn(period: Period, index: number): Column {
  const [year = '', month] = period.name.split('-');
  return { ...period, label: nameOfMonth(month), below: index === 0 || month === '01' ? year : '' };
}

function yearColumn(period: Period): Column {
  return { ...period, label: period.name, below: '' };
}

function nameOfMonth(month: string | undefined): string {
  return monthNames[Number(month) - 1] ?? '';
}

/** `Mar 2027` */
function monthText(name: string): string {
  const [year, month] = name.split('-');
  return `${nameOfMonth(month)} ${year}`;
}

function shareOfMonth(now: string): number {
  const at = new Date(now);
  const days = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  return (at.getUTCDate() - 1 + at.getUTCHours() / 24) / days;
}

function markIn(years: readonly Period[], now: string): Mark {
  const column = years.findIndex(({ name }) => name === now.slice(0, 4));
  return { column, share: (new Date(now).getUTCMonth() + shareOfMonth(now)) / 12 };
}

/** The same for people who cannot see the columns. */
function periodTable(title: string, { periods }: Periods): HTMLElement {
  const rows = periods.map(({ name, ended, coming }) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, told(ended, coming))),
  );
  return element(
    'div',
    { class: 'for-screen-readers' },
    element('table', {}, element('caption', {}, title), element('tbody', {}, ...rows)),
  );
}

function beyond({ periods, earlier, later }: Periods, text: (name: string) => string): HTMLElement[] {
  const said: string[] = [];
  if (earlier > 0) said.push(`${counted(earlier, 'certificate')} ended before ${text(periods[0]?.name ?? '')}`);
  if (later > 0) said.push(`${counted(later, 'certificate')} end after ${text(periods.at(-1)?.name ?? '')}`);
  return said.length === 0 ? [] : [element('p', { class: 'note' }, `${said.join('; ')}.`)];
}
