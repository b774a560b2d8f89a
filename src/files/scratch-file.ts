import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Lends an empty file in a folder of its own, open for writing, which is gone when the task is over. */
export async function withScratchFile<T>(task: (path: string, descriptor: number) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
  const path = join(folder, 'scratch');
  const descriptor = openSync(path, 'w');
  try {
    return await task(path, descriptor);
  } finally {
    closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  }
}
