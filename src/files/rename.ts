import { rename } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode } from '../errors.ts';
import { openElsewhere } from './file-errors.ts';

/** What Windows answers when a file is to be replaced that somebody has open. */
const IN_USE: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY']);
/** A scanner for viruses is done by then. */
const PATIENCE_MS = 2000;
const PAUSE_MS = 100;

/** What tests exchange. */
interface System {
  move(from: string, to: string): Promise<void>;
  platform: NodeJS.Platform;
  patienceMs: number;
}

/**
 * Puts a file in the place of another in one step. On Windows this waits a little for other programs that have the other
 * one open.
 * @throws MsmqCertError file-locked; the system's error
 */
export async function renameOver(from: string, to: string, options: Partial<System> = {}): Promise<void> {
  const { move = rename, platform = process.platform, patienceMs = PATIENCE_MS } = options;
  const giveUp = performance.now() + patienceMs;
  for (;;) {
    try {
      return await move(from, to);
    } catch (error) {
      if (platform !== 'win32' || !IN_USE.has(systemCode(error))) throw error;
      if (performance.now() >= giveUp) throw openElsewhere(to, error);
    }
    await pause(PAUSE_MS);
  }
}
