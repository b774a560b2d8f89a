import { FIRST, fragmentFor, selectionIn } from './address.ts';
import { element } from './dom.ts';
import { count, counted } from './format.ts';
import { type Row, type Selection, select } from './rows.ts';
import { userTable } from './user-table.ts';

export interface UserSection {
  /** The search, the filter and the table, for the place where they belong. */
  parts: Node[];
  showFinding(code: string): void;
  showUser(row: Row): void;
}

/** The table of users with what narrows it down, which the fragment of the address keeps. */
export function userSection(rows: readonly Row[], findings: readonly string[], now: string): UserSection {
  let selection = selectionIn(location.hash, findings);
  const table = userTable(now, (order) => change({ ...order(selection) }));
  const search = element('input', { type: 'search', placeholder: 'Name, machine, SID or digest' });
  const finding = element(
    'select',
    {},
    element('option', { value: '' }, 'All findings'),
    ...findings.map((code) => element('option', { value: code }, code)),
  );
  const matches = element('p', { class: 'matches', role: 'status' });

  function show(): void {
    const selected = select(rows, selection);
    table.show(selected, selection);
    matches.textContent =
      selected.length === rows.length
        ? counted(rows.length, 'user')
        : `${count(selected.length)} of ${counted(rows.length, 'user')}`;
  }

  /** What is typed or sorted replaces the address, so that Back does not go through every letter. */
  function change(to: Partial<Selection>): void {
    selection = { ...selection, ...to };
    history.replaceState(null, '', addressFor(selection));
    show();
  }

  function followAddress(): void {
    selection = selectionIn(location.hash, findings);
    search.value = selection.search;
    finding.value = selection.finding;
    show();
  }

  function goTo(to: Partial<Selection>): void {
    history.pushState(null, '', addressFor({ ...FIRST, ...to }));
    followAddress();
    search.focus({ preventScroll: true });
    controls.scrollIntoView();
  }

  search.addEventListener('input', () => change({ search: search.value }));
  finding.addEventListener('change', () => change({ finding: finding.value }));
  window.addEventListener('popstate', followAddress);
  followAddress();
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
    showFinding: (code) => goTo({ finding: code }),
    showUser(row) {
      table.open(row);
      goTo({ search: row.user.dn });
    },
  };
}

/** An empty address would be that of the folder. */
function addressFor(selection: Selection): string {
  return fragmentFor(selection) || location.href.replace(/#.*$/s, '');
}

function labelled(text: string, control: HTMLElement): HTMLElement {
  return element('label', {}, element('span', {}, text), control);
}
