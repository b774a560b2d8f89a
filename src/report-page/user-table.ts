import { button, element } from './dom.ts';
import { inPages, type Pages } from './pages.ts';
import type { Row, Selection, SortKey } from './rows.ts';
import { type Opened, userRow } from './user-row.ts';

const PAGE_SIZE = 100;

interface Column {
  key: SortKey;
  title: string;
  /** The direction of the first press on its head. */
  direction: Selection['direction'];
}

const columns: readonly Column[] = [
  { key: 'user', title: 'User', direction: 'ascending' },
  { key: 'certificates', title: 'Certificates', direction: 'descending' },
  { key: 'size', title: 'Size', direction: 'descending' },
  { key: 'expiry', title: 'First expiry', direction: 'ascending' },
  { key: 'findings', title: 'Findings', direction: 'descending' },
];

export type Order = Pick<Selection, 'sortedBy' | 'direction'>;

export interface UserTable {
  element: HTMLElement;
  show(selected: readonly Row[], order: Order): void;
  /** Shows the details of a user the next time that its row is shown. */
  open(row: Row): void;
}

/** @param order what to do when the head of a column is pressed */
export function userTable(now: string, order: (pressed: (current: Order) => Order) => void): UserTable {
  const opened: Opened = new Set();
  let pages: Pages | undefined;
  let showAgain = () => {};
  const heads = columns.map((column) => headCell(column, () => order((current) => pressed(column, current))));
  const caption = element('caption', { class: 'for-screen-readers' }, 'Users with certificates or findings');
  const head = element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...heads));
  const table = element('table', { class: 'users', role: 'table' }, caption, head);
  const container = element('div', {}, table);

  function show(selected: readonly Row[], { sortedBy, direction }: Order): void {
    columns.forEach(({ key }, index) => {
      heads[index]?.setAttribute('aria-sort', key === sortedBy ? direction : 'none');
    });
    showAgain = () => {
      for (const body of [...table.tBodies]) body.remove();
      pages?.more.remove();
      pages = inPages(table, selected, PAGE_SIZE, 'users', (row) => userRow(row, now, opened));
      container.append(pages.more);
    };
    showAgain();
  }

  // On paper nobody can ask for more.
  window.addEventListener('beforeprint', () => pages?.showAll());
  window.addEventListener('afterprint', () => showAgain());
  return { element: container, show, open: (row) => opened.add(row) };
}

function headCell({ title }: Column, press: () => void): HTMLElement {
  return element('th', { scope: 'col', role: 'columnheader' }, button({}, title, press));
}

/** A second press on the same head turns the order around. */
function pressed({ key, direction }: Column, current: Order): Order {
  if (current.sortedBy !== key) return { sortedBy: key, direction };
  return { sortedBy: key, direction: current.direction === 'ascending' ? 'descending' : 'ascending' };
}
