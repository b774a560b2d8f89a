import { type CommandOption, command } from '../advice.ts';
import { MAX_BLOB_BYTES } from '../blob/codec.ts';
import type { User } from '../directory/directory.ts';
import { nameForCommand } from '../directory/names.ts';
import { byMachine, type DecodedState, NEAR_CAPACITY, type Registered } from '../judge/state.ts';

/** How many certificates a user would lose, and of how many. */
export interface Loss {
  removed: number;
  of: number;
  /** So many machines seem to be gone that prune asks whether they are. */
  inDoubt?: boolean;
}

/** What prune removes of one user without being told --yes. */
const MOST_REMOVALS = 50;

/** The command that prunes a user, with the confirmations that prune would ask for: whoever pastes it has seen the findings. */
export function pruneCommand(user: User, { removed, of, inDoubt = false }: Loss, ...policies: CommandOption[]): string {
  const options = [...policies];
  if (user.kind === 'computer' || user.kind === 'managed-service-account') options.push('--include-computers');
  if (inDoubt || removed > MOST_REMOVALS || removed * 2 > of) options.push('--yes');
  return command('prune', [nameForCommand(user)], ...options);
}

/** What a user loses with these entries: every copy of the same certificate goes with them. */
export function lossOf(entries: readonly Registered[], going: readonly Registered[]): Loss {
  const digests = new Set(going.map(({ md5 }) => md5));
  return { removed: entries.filter(({ md5 }) => digests.has(md5)).length, of: entries.length };
}

/** When more of a user's machines seem to be gone, the computer accounts that were read may not be all there are. */
export const LARGEST_SHARE_GONE = 1 / 4;

/** The same for machines that are gone. */
export function lossOfGone(entries: readonly Registered[], going: readonly Registered[]): Loss {
  const groups = byMachine(entries);
  const gone = groups.filter((group) => group.entries.some(({ findings }) => findings.includes('machine-gone')));
  return { ...lossOf(entries, going), inDoubt: gone.length > groups.length * LARGEST_SHARE_GONE };
}

const FREEING = [
  { finding: 'expired', policy: '--expired' },
  { finding: 'superseded', policy: '--superseded' },
  { finding: 'machine-gone', policy: '--machine-gone' },
] as const;

/** What the findings say nobody needs, and the command that removes it; null when there is none of that. */
export function freeing({ user, entries }: DecodedState): { command: string; going: readonly Registered[] } | null {
  const used = FREEING.filter(({ finding }) => entries.some(({ findings }) => findings.includes(finding)));
  if (used.length === 0) return null;
  const going = entries.filter(({ findings }) => used.some(({ finding }) => findings.includes(finding)));
  const policies = used.map(({ policy }) => policy);
  const loss = policies.includes('--machine-gone') ? lossOfGone(entries, going) : lossOf(entries, going);
  return { command: pruneCommand(user, loss, ...policies), going };
}

/** Whether a user is no longer near its capacity when these entries and their digests have gone. */
export function makesRoom(
  { pair, entries }: DecodedState,
  going: readonly Registered[],
  maxCertificates: number,
): boolean {
  const bytes = going.reduce((sum, { entry }) => sum + entry.certificate.length, 0);
  const count = Math.max(entries.length, pair.digests.length) - going.length;
  return Math.max(count / maxCertificates, ((pair.blob?.length ?? 0) - bytes) / MAX_BLOB_BYTES) < NEAR_CAPACITY;
}
