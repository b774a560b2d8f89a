import { readFileSync } from 'node:fs';
import { getAsset, isSea } from 'node:sea';

/**
 * A text file of the package, such as `package.json`: inside the executable where this is one, else next to the code, as
 * far from here as from dist/cli, where this module is a part of a bundle.
 */
export function packageFile(path: string): string {
  return isSea() ? getAsset(path, 'utf8') : readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

export function packageVersion(): string {
  const { version } = JSON.parse(packageFile('package.json'));
  return String(version);
}
