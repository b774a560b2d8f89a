import { copyButton } from './copy.ts';
import { breakable, button, element, svgElement } from './dom.ts';
import { type FindingCount, foundOn } from './finding-counts.ts';
import { meaningOf } from './finding-meanings.ts';
import { counted } from './format.ts';

/** One line a code: what it was found on, what it means and what helps. Choosing one filters the users. */
export function findingList(findings: readonly FindingCount[], chosen: (code: string) => void): Node {
  if (findings.length === 0) return element('p', { class: 'note' }, 'Nothing was found.');
  const most = Math.max(...findings.map(weight));
  const heads = ['Finding', 'Found on', '', 'What it means', 'What helps'];
  return element(
    'table',
    { class: 'findings', role: 'table' },
    element('caption', { class: 'for-screen-readers' }, 'Findings, the most frequent first'),
    element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...heads.map(head))),
    element('tbody', { role: 'rowgroup' }, ...findings.map((each) => findingRow(each, weight(each) / most, chosen))),
  );
}

function weight({ certificates, users }: FindingCount): number {
  return Math.max(certificates, users);
}

function head(title: string): HTMLElement {
  if (title === '') return element('td', { class: 'share', role: 'cell' });
  return element('th', { scope: 'col', role: 'columnheader' }, title);
}

function findingRow(found: FindingCount, share: number, chosen: (code: string) => void): HTMLElement {
  const { code } = found;
  const { severity, text } = meaningOf(code);
  const choose = button({ class: `tag ${severity}`, title: `Show the users with ${code}` }, code, () => chosen(code));
  const bar = svgElement('rect', { class: severity, width: `${Math.max(share * 100, 1).toFixed(2)}%`, height: '100%' });
  return element(
    'tr',
    { role: 'row' },
    element('th', { scope: 'row', role: 'rowheader' }, choose),
    element('td', { class: 'found-on', role: 'cell' }, foundOn(found)),
    element('td', { class: 'share', role: 'cell' }, svgElement('svg', { 'aria-hidden': 'true' }, bar)),
    element('td', { role: 'cell' }, text),
    element('td', { class: 'helps', role: 'cell' }, ...help(found)),
  );
}

function help({ code, commands, section }: FindingCount): (Node | string)[] {
  const label = commands.length === 1 ? 'Copy the command' : `Copy ${counted(commands.length, 'command')}`;
  const copies = commands.length === 0 ? [] : [copyButton(label, code, () => `${commands.join('\n')}\n`)];
  return section === null ? copies : [...copies, element('span', { class: 'section' }, 'see ', ...breakable(section))];
}
