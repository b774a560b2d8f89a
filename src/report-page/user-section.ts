import { element } from './dom.ts';
import { count, counted } from './format.ts';
import type { Row } from './rows.ts';
import { userTable } from './user-table.ts';

export interface UserSection {
  /** The search, the filter and the table, for the place where they belong. */
  parts: Node[];
  showFinding(code: string): void;
  showUser(row: Row): void;
}

/** The table of users with what narrows it down. */
export function userSection(rows: readonly Row[], findings: readonly string[], now: string): UserSection {
  const table = userTable(rows, now);
  const search = element('input', { type: 'search', placeholder: 'Name, machine, SID or digest' });
  const finding = element(
    'select',
    {},
    element('option', { value: '' }, 'All findings'),
    ...findings.map((code) => element('option', { value: code }, code)),
  );
  const matches = element('p', { class: 'matches', role: 'status' });

  function narrow(): void {
    const selected = table.show({ search: search.value, finding: finding.value });
    matches.textContent =
      selected === rows.length ? counted(selected, 'user') : `${count(selected)} of ${counted(rows.length, 'user')}`;
  }

  function showOnly(searched: string, code: string): void {
    search.value = searched;
    finding.value = code;
    narrow();
    search.focus({ preventScroll: true });
    controls.scrollIntoView();
  }

  search.addEventListener('input', narrow);
  finding.addEventListener('change', narrow);
  narrow();
  const controls = element(
    'form',
    { class: 'controls', role: 'search' },
    labelled('Search', search),
    labelled('Finding', finding),
    matches,
  );
  controls.addEventListener('submit', (event) => event.preventDefault());
  return {
    parts: [controls, table.element],
    showFinding: (code) => showOnly('', code),
    showUser(row) {
      table.open(row);
      showOnly(row.user.dn, '');
    },
  };
}

function labelled(text: string, control: HTMLElement): HTMLElement {
  return element('label', {}, element('span', {}, text), control);
}
