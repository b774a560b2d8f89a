import type { PageData } from './data.ts';
import { element } from './dom.ts';
import { counted } from './format.ts';
import { inPages } from './pages.ts';

const PAGE_SIZE = 50;

/** What limits the report: what could not be checked and who could not be read. Nothing when there was no limit. */
export function remarks({ notes, errors }: PageData): Node[] {
  const parts: Node[] = [];
  if (notes.length > 0) {
    parts.push(element('h2', {}, 'Not checked'), element('ul', {}, ...notes.map((note) => element('li', {}, note))));
  }
  if (errors.length > 0) {
    const list = element('ul', { class: 'errors' });
    const { more } = inPages(list, errors, PAGE_SIZE, 'users', errorItem);
    parts.push(element('h2', {}, `${counted(errors.length, 'user')} could not be read`), list, more);
  }
  return parts.length === 0 ? [] : [element('section', { class: 'panel remarks' }, ...parts)];
}

function errorItem({ user, code, message, hint }: PageData['errors'][number]): HTMLElement {
  const subject = message.includes(user) ? '' : `${user}: `;
  const advice = hint === null ? [] : [element('span', { class: 'hint' }, hint)];
  return element('li', { tabindex: '-1' }, `${subject}${message} (${code})`, ...advice);
}
