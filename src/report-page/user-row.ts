import { button, element } from './dom.ts';
import { count, day, size } from './format.ts';
import type { Row } from './rows.ts';
import { tags } from './tags.ts';
import { userDetails } from './user-details.ts';

/** The users whose details are open, which outlasts sorting and searching. */
export type Opened = Set<Row>;

/** A user's row as a group of its own, in which the details open below it. */
export function userRow(row: Row, now: string, opened: Opened): HTMLElement {
  const { user, firstExpiry, findings } = row;
  const toggle = button({ class: 'user', 'aria-expanded': 'false' }, user.user, () => {
    if (!opened.delete(row)) opened.add(row);
    showOpened(group, toggle, row, opened);
  });
  const ended = firstExpiry !== null && firstExpiry < now;
  const cells = [
    element('th', { scope: 'row' }, toggle),
    element('td', { class: 'number' }, count(user.certificates.length)),
    element('td', { class: 'number' }, size(user.blobBytes)),
    element('td', { class: ended ? 'date broken' : 'date' }, firstExpiry === null ? '–' : day(firstExpiry)),
    element('td', { class: 'tags' }, ...tags(findings)),
  ];
  const group = element('tbody', {}, element('tr', {}, ...cells));
  showOpened(group, toggle, row, opened);
  return group;
}

function showOpened(group: HTMLTableSectionElement, toggle: HTMLElement, row: Row, opened: Opened): void {
  const isOpen = opened.has(row);
  toggle.setAttribute('aria-expanded', String(isOpen));
  if (isOpen) {
    const cell = element('td', { colspan: '5' }, userDetails(row.user));
    group.append(element('tr', { class: 'opened' }, cell));
  } else {
    group.rows[1]?.remove();
  }
}
