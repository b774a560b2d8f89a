import { button, element } from './dom.ts';
import { count, day, size } from './format.ts';
import type { Row } from './rows.ts';
import { tags } from './tags.ts';
import { userDetails } from './user-details.ts';

/** The users whose details are open, which outlasts sorting and searching. */
export type Opened = Set<Row>;

/** A user's row as a group of its own, in which the details open below it. */
export function userRow(row: Row, now: string, opened: Opened): HTMLElement {
  const { user, firstExpiry } = row;
  const toggle = button({ class: 'user', 'aria-expanded': 'false' }, user.user, () => {
    if (!opened.delete(row)) opened.add(row);
    showOpened(group, toggle, row, opened);
  });
  const ended = firstExpiry !== null && firstExpiry < now;
  const cells = [
    element('th', { scope: 'row', role: 'rowheader' }, toggle),
    cell('number', count(user.certificates.length), user.certificates.length === 1 ? 'certificate' : 'certificates'),
    cell('number', size(user.blobBytes), ''),
    cell(ended ? 'date broken' : 'date', firstExpiry === null ? '–' : day(firstExpiry), 'first expiry'),
    element('td', { class: 'tags', role: 'cell' }, ...tags(row)),
  ];
  const group = element('tbody', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...cells));
  showOpened(group, toggle, row, opened);
  return group;
}

/** `unit` says what the value is where the heads of the columns do not stand above it. */
function cell(kind: string, value: string, unit: string): HTMLElement {
  return element('td', { class: kind, role: 'cell', 'data-unit': unit }, value);
}

function showOpened(group: HTMLTableSectionElement, toggle: HTMLElement, row: Row, opened: Opened): void {
  const isOpen = opened.has(row);
  toggle.setAttribute('aria-expanded', String(isOpen));
  if (isOpen) {
    const details = element('td', { colspan: '5', role: 'cell' }, userDetails(row.user));
    group.append(element('tr', { class: 'opened', role: 'row' }, details));
  } else {
    group.rows[1]?.remove();
  }
}
