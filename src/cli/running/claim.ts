import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAtWork, PULSE, takeHeartbeat } from '../../files/heartbeat.ts';
import { makeJournalFolder } from '../../journal/file.ts';
import { journalFolder } from '../../journal/find.ts';
import { printJson, printJsonLine } from '../output.ts';
import type { RunSettings } from '../settings.ts';
import { print } from '../terminal.ts';
import { tellWaiting } from './journals.ts';
import type { Run } from './run.ts';

/** The right to be the only run over a whole domain that works in a folder. */
export interface Claim {
  /** Aborted when another process has taken it, as this one stood still. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/** For runs that need none. */
export const noClaim: Claim = { lost: new AbortController().signal, release: async () => {} };

const LONGEST_PAUSE_MS = 500;

/**
 * Claims the folder for a run over everybody, or one that asked to be alone; null while another such run is at work. The
 * claim of a process that was killed is taken over once it is proven dead.
 * @throws MsmqCertError file-unwritable, untrusted-path
 */
export async function takeClaim(
  { everyone, shard, keys }: Run,
  settings: RunSettings,
  pulse = PULSE,
): Promise<Claim | null> {
  if (everyone === undefined && !settings.alone) return noClaim;
  // shards have no user in common: one need not wait for another
  const part = shard === undefined ? '' : `-${shard.index}-of-${shard.count}`;
  const path = join(journalFolder(keys.out), `whole-domain${part}`);
  const onWait = () => tellWaiting(path, settings);
  await makeJournalFolder(path);
  for (;;) {
    const heartbeat = await takeHeartbeat(path, true, onWait, pulse);
    if (heartbeat !== null) return { lost: heartbeat.lost, release: () => heartbeat.release('ended') };
    if (await isAtWork(path, onWait, pulse)) return null;
    // two that began in the same moment have both stood back
    await pause(Math.random() * LONGEST_PAUSE_MS);
  }
}

/** It is no failure: the other run does the work. */
export function sayAtWork(command: string, out: string, { json, ndjson, quiet }: RunSettings): void {
  const text = `another run is at work in ${out}: nothing was done`;
  if (json) printJson({ schema: 1, command, skipped: text });
  else if (ndjson) printJsonLine({ schema: 1, command, skipped: text });
  else if (!quiet) print([text]);
}
