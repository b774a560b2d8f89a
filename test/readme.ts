import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The first indented block of the README below a heading, as a shell would get it pasted. */
export function blockBelow(heading: string): string {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, section] = text.split(`${heading}\n`);
  assert.ok(section !== undefined, `README.md has no ${heading}`);
  const [block] = /(?:^ {4}.*\n|^\n(?= {4}))+/m.exec(section) ?? [];
  assert.ok(block !== undefined, `${heading} has no lines to paste`);
  return block.replaceAll(/^ {4}/gm, '').trim();
}
