import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery } from '../plan/results.ts';
import { journalFolder } from './find.ts';
import { type JournalHistory, readJournal, type UserHistory } from './read.ts';
import type { JournalItem } from './records.ts';

/** A certificate that a run registered and was asked to deliver, and what became of that. */
export interface Delivered {
  item: JournalItem;
  state: Delivery['state'];
  /** When that was. */
  at: string;
}

/** By userKey, then by digest. */
export type Deliveries = Map<string, Map<string, Delivered>>;

/**
 * What became of the certificates that runs with this fingerprint were to deliver, however long ago: a run that has
 * ended, or that nobody goes on with any more, may have left some undelivered.
 */
export async function earlierDeliveries(out: string, fingerprint: string): Promise<Deliveries> {
  const folder = journalFolder(out);
  const names = await readdir(folder).catch(() => []);
  const deliveries: Deliveries = new Map();
  for (const name of names.filter((each) => each.endsWith(`-${fingerprint}.ndjson`)).sort()) {
    const history = await readJournal(join(folder, name)).catch(() => null);
    if (history !== null) noteDeliveries(history, deliveries);
  }
  return deliveries;
}

/** Adds what a journal says; the newest word on a certificate counts. */
export function noteDeliveries(history: JournalHistory, deliveries: Deliveries): void {
  for (const [key, user] of history.users) {
    const known = deliveries.get(key) ?? new Map<string, Delivered>();
    deliveries.set(key, known);
    if (history.delivers || user.hooks.length > 0) noteRegistered(user, known);
    for (const { digest, outcome, at } of user.hooks) {
      const delivered = known.get(digest ?? '');
      if (delivered === undefined || at < delivered.at) continue;
      delivered.state = outcome === 'done' ? 'delivered' : 'failed';
      delivered.at = at;
    }
  }
}

function noteRegistered({ swaps }: UserHistory, known: Map<string, Delivered>): void {
  for (const { intent, outcome } of swaps) {
    if (outcome !== null && outcome.outcome !== 'swapped') continue;
    for (const item of intent.items) {
      const isNew = item.action === 'added' || item.action === 'replaced';
      if (isNew && item.digest !== null && !known.has(item.digest))
        known.set(item.digest, { item, state: 'pending', at: intent.at });
    }
  }
}
