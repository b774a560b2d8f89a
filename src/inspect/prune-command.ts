import { type CommandOption, command } from '../advice.ts';
import { MAX_BLOB_BYTES } from '../blob/codec.ts';
import { nameForCommand } from '../directory/names.ts';
import { type DecodedState, NEAR_CAPACITY, type Registered } from '../judge/state.ts';

/** What prune removes of one user without being told --yes. */
const MOST_REMOVALS = 50;

/**
 * The command that prunes these entries, with --yes where prune would refuse without: whoever pastes it has seen them.
 * @param options the policies that name the entries, and no others
 */
export function pruneCommand(
  { user, entries }: Pick<DecodedState, 'user' | 'entries'>,
  going: ReadonlySet<Registered>,
  ...options: CommandOption[]
): string {
  const isRefused = going.size > MOST_REMOVALS || going.size * 2 > entries.length;
  return command('prune', [nameForCommand(user)], ...options, ...(isRefused ? (['--yes'] as const) : []));
}

const FREEING = [
  { finding: 'expired', option: '--expired' },
  { finding: 'superseded', option: '--superseded' },
  { finding: 'machine-gone', option: '--machine-gone' },
] as const;

/** The command that removes what the findings say nobody needs; null when there is none of that. */
export function freeingCommand(state: DecodedState): { command: string; going: ReadonlySet<Registered> } | null {
  const policies = FREEING.map(({ finding, option }) => {
    const found = state.entries.filter(
      ({ facts, findings }) => facts.kind === 'certificate' && findings.includes(finding),
    );
    return { option, found };
  }).filter(({ found }) => found.length > 0);
  if (policies.length === 0) return null;
  const going = new Set(policies.flatMap(({ found }) => found));
  return { command: pruneCommand(state, going, ...policies.map(({ option }) => option)), going };
}

/** Whether a user is no longer near its capacity when these entries and their digests have gone. */
export function makesRoom(
  { pair, entries }: DecodedState,
  going: ReadonlySet<Registered>,
  maxCertificates: number,
): boolean {
  const bytes = [...going].reduce((sum, { entry }) => sum + entry.certificate.length, 0);
  const shares = [
    (entries.length - going.size) / maxCertificates,
    (pair.digests.length - going.size) / maxCertificates,
    ((pair.blob?.length ?? 0) - bytes) / MAX_BLOB_BYTES,
  ];
  return Math.max(...shares) < NEAR_CAPACITY;
}
