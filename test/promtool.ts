import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What promtool says, and whether it is content. Needs scripts/promtool, which fetches it. */
export function promtool(words: string[], input = ''): { isContent: boolean; said: string } {
  const path = execFileSync(fileURLToPath(new URL('../scripts/promtool', import.meta.url)), {
    encoding: 'utf8',
  }).trim();
  const { status, stdout, stderr } = spawnSync(path, words, { input, encoding: 'utf8' });
  return { isContent: status === 0, said: stdout + stderr };
}
