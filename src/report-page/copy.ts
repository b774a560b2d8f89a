import { button, element } from './dom.ts';

/** A button that copies a text, and says whether that worked. */
export function copyButton(label: string, about: string, text: () => string): HTMLElement {
  const outcome = element('span', { class: 'outcome', role: 'status' });
  const press = button({ class: 'copy', 'aria-label': `${label}: ${about}` }, label, () => {
    outcome.textContent = '';
    void copy(text()).then((worked) => {
      outcome.textContent = worked ? 'Copied' : 'The browser does not allow it';
    });
  });
  return element('span', { class: 'copying' }, press, outcome);
}

/** Browsers keep the clipboard from pages of plain HTTP, but let what is selected be copied. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const carrier = element('textarea', { class: 'for-screen-readers', 'aria-hidden': 'true' });
  carrier.value = text;
  document.body.append(carrier);
  carrier.select();
  const worked = document.execCommand('copy');
  carrier.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return worked;
}
