/**
 * The part of a README that holds the text of the licence, for packages that have it nowhere else.
 * @returns null when there is none, or none with the name of who grants it
 */
export function licenceInReadme(readme: string): string | null {
  const [, after = ''] = readme.replaceAll('\r\n', '\n').split(/^#+ *licen[cs]e *$/im, 2);
  const [text = ''] = after.split(/^#/m, 1);
  return /copyright/i.test(text) && /permission is hereby granted/i.test(text) ? `${text.trim()}\n` : null;
}
