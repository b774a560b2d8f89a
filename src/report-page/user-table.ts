import { button, element } from './dom.ts';
import { inPages, type Pages } from './pages.ts';
import { type Row, type Selection, type SortKey, select } from './rows.ts';
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

export interface UserTable {
  element: HTMLElement;
  /** Changes what is selected; what is not given stays as it is. Returns how many users are. */
  show(change: Partial<Selection>): number;
  /** Shows the details of a user the next time that its row is shown. */
  open(row: Row): void;
}

export function userTable(rows: readonly Row[], now: string): UserTable {
  const opened: Opened = new Set();
  let selection: Selection = { search: '', finding: '', sortedBy: 'findings', direction: 'descending' };
  let pages: Pages | undefined;
  const heads = columns.map((column) => headCell(column, () => show(pressed(column, selection))));
  const caption = element('caption', { class: 'for-screen-readers' }, 'Users with certificates or findings');
  const head = element('thead', {}, element('tr', {}, ...heads));
  const table = element('table', { class: 'users' }, caption, head);
  const container = element('div', {}, table);

  function show(change: Partial<Selection>): number {
    selection = { ...selection, ...change };
    const selected = select(rows, selection);
    columns.forEach(({ key }, index) => {
      heads[index]?.setAttribute('aria-sort', key === selection.sortedBy ? selection.direction : 'none');
    });
    for (const body of [...table.tBodies]) body.remove();
    pages?.more.remove();
    pages = inPages(table, selected, PAGE_SIZE, 'users', (row) => userRow(row, now, opened));
    container.append(pages.more);
    return selected.length;
  }

  // On paper nobody can ask for more.
  window.addEventListener('beforeprint', () => pages?.showAll());
  window.addEventListener('afterprint', () => show({}));
  return { element: container, show, open: (row) => opened.add(row) };
}

function headCell({ title }: Column, press: () => void): HTMLElement {
  return element('th', { scope: 'col' }, button({}, title, press));
}

/** A second press on the same head turns the order around. */
function pressed({ key, direction }: Column, selection: Selection): Partial<Selection> {
  if (selection.sortedBy !== key) return { sortedBy: key, direction };
  return { direction: selection.direction === 'ascending' ? 'descending' : 'ascending' };
}
