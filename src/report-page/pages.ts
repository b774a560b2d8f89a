import { button, element } from './dom.ts';
import { count } from './format.ts';

export interface Pages {
  /** The button for the next page; hidden when there is none. */
  more: HTMLElement;
  showAll(): void;
}

/**
 * Puts the first page of things into a container, and a page more each time its button is pressed: thousands of
 * elements at once would freeze the page. `noun` is in the plural.
 */
export function inPages<Thing>(
  container: Element,
  things: readonly Thing[],
  pageSize: number,
  noun: string,
  make: (thing: Thing) => HTMLElement,
): Pages {
  let shown = 0;
  const label = element('span');
  const more = button({ class: 'more' }, label, () => {
    const first = append(pageSize);
    (first?.querySelector('button') ?? first)?.focus();
  });

  function append(wanted: number): HTMLElement | undefined {
    const made = things.slice(shown, shown + wanted).map(make);
    container.append(...made);
    shown += made.length;
    const left = things.length - shown;
    more.hidden = left === 0;
    label.textContent = `Show ${count(Math.min(left, pageSize))} more of ${count(left)} ${noun}`;
    return made[0];
  }

  append(pageSize);
  return { more, showAll: () => append(things.length - shown) };
}
