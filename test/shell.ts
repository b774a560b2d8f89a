import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The words that arrive at msmq-cert when a line is pasted into a real shell. */
export function wordsThatArrive(line: string, shell: 'sh' | 'bash' = 'bash'): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-shell-'));
  try {
    const program = join(folder, 'msmq-cert');
    writeFileSync(program, `#!/bin/sh\nprintf '%s\\0' "$@"\n`);
    chmodSync(program, 0o700);
    const said = execFileSync(shell, ['-c', line], {
      cwd: folder,
      env: { PATH: `${folder}:/usr/bin:/bin`, LC_ALL: 'C' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return said.split('\0').slice(0, -1);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
