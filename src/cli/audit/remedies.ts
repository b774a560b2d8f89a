import type { User } from '../../directory/directory.ts';
import type { FindingCode, Registered, UserState } from '../../judge/state.ts';

/** What the findings were measured against, in milliseconds: a command that helps must go as far. */
export interface Durations {
  expiringWithin: number;
  machineInactive: number;
}

type Certificate = Pick<Registered, 'digest' | 'machine'>;

/** With one of these a certificate is to go, whatever else is wrong with it. */
const TO_GO: readonly string[] = ['machine-gone', 'superseded'];

/** What helps a user, each command line once: `run: msmq-cert repair CORP\alice`, or where to read on. */
export function adviceFor(state: UserState, durations: Durations): string[] {
  const ofUser = state.findings.map((code) => adviceOn(code, state.user, null, durations));
  const entries = state.kind === 'decoded' ? state.entries : [];
  const ofEntries = entries.flatMap((entry) =>
    decisive(entry).map((code) => adviceOn(code, state.user, entry, durations)),
  );
  return [...new Set([...ofUser, ...ofEntries])];
}

/** The findings of a certificate that decide what is done about it. */
export function decisive({ findings }: Registered): FindingCode[] {
  const going = findings.filter((code) => TO_GO.includes(code));
  return going.length > 0 ? going : findings;
}

/** What helps against one finding; `certificate` is the one that it is about, null when it is about the user. */
export function adviceOn(code: FindingCode, user: User, certificate: Certificate | null, durations: Durations): string {
  const remedy = remedyFor(code, certificate, durations);
  if (remedy === null) return `see: docs/findings.md#${code}`;
  const [verb, ...options] = remedy;
  return ['run: msmq-cert', verb, nameForCommand(user), ...options].join(' ');
}

/** The words of the command without the user; null when no command can decide. */
function remedyFor(
  code: FindingCode,
  certificate: Certificate | null,
  { expiringWithin, machineInactive }: Durations,
): string[] | null {
  switch (code) {
    case 'digest-mismatch':
    case 'digest-missing':
    case 'digest-orphan':
    case 'digest-duplicate':
      return ['repair'];
    case 'malformed-blob':
      return ['repair', '--salvage'];
    case 'not-a-certificate':
    case 'not-rsa':
    case 'expired':
    case 'not-yet-valid':
      // Without a machine nobody knows what a new one would be for.
      return certificate?.machine === null
        ? ['prune', '--digest', certificate.digest]
        : ['renew', '--broken', '--overlap'];
    case 'weak-key':
    case 'weak-signature':
      return ['replace', '--overlap'];
    case 'expiring':
      return ['renew', '--expiring-within', inDays(expiringWithin), '--overlap'];
    case 'superseded':
      return ['prune', '--superseded'];
    case 'machine-gone':
      return ['prune', '--machine-gone'];
    case 'machine-inactive':
      return ['prune', '--machine-inactive', inDays(machineInactive)];
    case 'machine-disabled':
      return certificate === null ? null : ['prune', '--digest', certificate.digest];
    case 'near-capacity':
    case 'over-capacity':
      return ['prune', '--expired', '--superseded', '--machine-gone'];
    case 'digest-shared':
    case 'legacy-attributes':
    case 'protected-account':
      return null;
  }
}

function inDays(ms: number): string {
  return `${Math.ceil(ms / 86_400_000)}d`;
}

/** A name that no shell reads as anything but a name: these lines are there to be copied. */
function nameForCommand({ account, sid, dn }: User): string {
  if (/^[\p{L}\p{N}._-]+(\\[\p{L}\p{N}._-]+\$?)?$/u.test(account)) return account;
  return sid ?? `'${dn.replace(/[^\p{L}\p{N}.,= _-]/gu, '?')}'`;
}
