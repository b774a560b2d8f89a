import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What scripts/package built: an executable, an archive or SHA256SUMS. */
export function built(name: string): string {
  const path = fileURLToPath(new URL(`../../packages/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`there is no packages/${name}: run scripts/package before these tests`);
  return path;
}
