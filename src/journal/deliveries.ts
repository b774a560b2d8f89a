import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery } from '../plan/results.ts';
import { journalFolder } from './find.ts';
import { type JournalHistory, readJournal } from './read.ts';
import type { JournalItem } from './records.ts';
import type { UserHistory } from './users.ts';

/** A certificate that a run registered and was asked to deliver, and what became of that. */
export interface Delivered {
  item: JournalItem;
  state: Delivery['state'];
  /** When that was. */
  at: string;
}

/** What is known of the certificates of a user, given by userKey, each by its digest. */
export type Deliveries = (key: string) => Map<string, Delivered>;

/**
 * The journals of runs with this fingerprint, the oldest first, however long ago: a run that has ended, or that nobody
 * goes on with any more, may have left some certificates undelivered. What cannot be read is passed over.
 */
export async function earlierRuns(out: string, fingerprint: string): Promise<JournalHistory[]> {
  const folder = journalFolder(out);
  const names = await readdir(folder).catch(() => []);
  const histories: JournalHistory[] = [];
  for (const name of names.filter((each) => each.endsWith(`-${fingerprint}.ndjson`)).sort()) {
    const history = await readJournal(join(folder, name)).catch(() => null);
    if (history !== null) histories.push(history);
  }
  return histories;
}

/** What journals say became of the certificates that they were to deliver; the newest word on each counts. */
export function deliveriesIn(histories: readonly JournalHistory[]): Deliveries {
  return (key) => {
    const known = new Map<string, Delivered>();
    for (const history of histories) {
      const user = history.of(key);
      if (user !== undefined) noteDeliveries(history, user, known);
    }
    return known;
  };
}

function noteDeliveries({ delivers }: JournalHistory, user: UserHistory, known: Map<string, Delivered>): void {
  if (delivers || user.hooks.length > 0) noteRegistered(user, known);
  for (const { digest, outcome, at } of user.hooks) {
    const delivered = known.get(digest ?? '');
    if (delivered === undefined || at < delivered.at) continue;
    delivered.state = outcome === 'done' ? 'delivered' : 'failed';
    delivered.at = at;
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
