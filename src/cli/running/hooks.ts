import { type Directory, userKey } from '../../directory/directory.ts';
import { deliveriesIn, earlierRuns } from '../../journal/deliveries.ts';
import type { OpenJournal } from '../../journal/open.ts';
import type { Request } from '../../plan/request.ts';
import { deliver } from '../../run/deliver.ts';
import { DEFAULT_TIMEOUT_MS } from '../../run/key-policy.ts';
import type { RunControl } from '../../run/run.ts';
import type { RunSettings } from '../settings.ts';

/** The others put back or reorder what was there before: nothing is to be delivered. */
export const MAKES_CERTIFICATES: ReadonlySet<Request['verb']> = new Set(['register', 'renew', 'replace', 'apply']);

/** Whether the run delivers what it registers. */
export function delivers({ verb }: Request, { deployHook }: RunSettings): boolean {
  return deployHook !== undefined && MAKES_CERTIFICATES.has(verb);
}

/** How a run delivers, also what earlier runs of the same command have left; none when nothing is to be delivered. */
export async function delivery(
  request: Request,
  settings: RunSettings,
  { journal, directory, out, passphrase }: DeliveryParts,
): Promise<Pick<RunControl, 'deliver' | 'isOwed'>> {
  const { deployHook: command, hookTimeout: timeoutMs = DEFAULT_TIMEOUT_MS } = settings;
  if (journal === null || !MAKES_CERTIFICATES.has(request.verb)) return {};
  const hook = command === undefined ? null : { command, timeoutMs };
  const runs = hook === null ? [] : await earlierRuns(out, journal.fingerprint);
  const earlier = deliveriesIn(journal.history === null ? runs : [...runs, journal.history]);
  const context = { hook, directory, journal, earlier, passphrase };
  return {
    deliver: (result, stop) => deliver(result, context, stop),
    isOwed: (user) => [...earlier(userKey(user)).values()].some(({ state }) => state !== 'delivered'),
  };
}

interface DeliveryParts {
  journal: OpenJournal | null;
  directory: Directory;
  out: string;
  passphrase: string | null;
}
