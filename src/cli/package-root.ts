import { readFileSync } from 'node:fs';

/** The folder of package.json, from here and from dist/cli alike, where this module is a part of a bundle. */
export const packageRoot = new URL('../../', import.meta.url);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8'));
  return String(version);
}
