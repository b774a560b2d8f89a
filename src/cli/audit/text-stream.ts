import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes to a stream and waits while its reader is slower, so that nothing piles up in memory. */
export async function writeText(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
