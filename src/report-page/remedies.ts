import { copyButton } from './copy.ts';
import { breakable, element } from './dom.ts';
import { inPages } from './pages.ts';
import type { Row } from './rows.ts';
import { findingTag } from './tags.ts';

/** Disabled machines have a command for each of their certificates. */
const PAGE_SIZE = 10;

type Remedy = Row['user']['remedies'][number];

/** What helps a user: each command with the findings that it is for. Nothing when nothing was found. */
export function remedyList(remedies: readonly Remedy[]): HTMLElement[] {
  if (remedies.length === 0) return [];
  const list = element('ul', { class: 'remedies' });
  const { more } = inPages(list, remedies, PAGE_SIZE, 'commands', remedyItem);
  return [element('h3', {}, 'What helps'), list, more];
}

function remedyItem(remedy: Remedy): HTMLElement {
  const tags = element('span', { class: 'tags' }, ...remedy.findings.map((code) => findingTag(code, code)));
  if (remedy.kind === 'read') {
    return element(
      'li',
      { tabindex: '-1' },
      tags,
      element('span', {}, 'No command decides this: see ', ...breakable(remedy.section)),
    );
  }
  const { command } = remedy;
  return element(
    'li',
    { tabindex: '-1' },
    tags,
    element('code', {}, command),
    copyButton('Copy', command, () => command),
  );
}
