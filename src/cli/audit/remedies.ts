import { type CommandOption, command } from '../../advice.ts';
import { nameForCommand } from '../../directory/names.ts';
import { freeing, lossOf, lossOfGone, makesRoom, pruneCommand } from '../../inspect/prune-command.ts';
import {
  byMachine,
  type DecodedState,
  type FindingCode,
  isBroken,
  type MachineGroup,
  type Registered,
  type UserState,
} from '../../judge/state.ts';

/** What the findings were measured against, durations in milliseconds: a command that helps must go as far. */
export interface Measure {
  expiringWithin: number;
  machineInactive: number;
  maxCertificates: number;
}

/**
 * What helps against a finding: a command that makes it go away, at once or with a second one once the programs of the
 * user sign with the new key; or where no command can, what a person has to do.
 */
export type Advice = { kind: 'run'; command: string; later: string | null } | { kind: 'do'; what: string };

/** With one of these a certificate is to go, whatever else is wrong with it. */
const TO_GO: readonly FindingCode[] = ['machine-gone', 'superseded'];

/** What helps a user, each line once. */
export function adviceFor(state: UserState, measure: Measure): string[] {
  const adviceOn = adviser(state, measure);
  const ofUser = state.findings.map((code) => adviceOn(code, null));
  const entries = state.kind === 'decoded' ? state.entries : [];
  const ofEntries = entries.flatMap((entry) => decisive(entry).map((code) => adviceOn(code, entry)));
  return [...new Set([...ofUser, ...ofEntries].flatMap(adviceLines))];
}

/** The findings of a certificate that decide what is done about it. */
export function decisive({ findings }: Registered): FindingCode[] {
  const going = findings.filter((code) => TO_GO.includes(code));
  return going.length > 0 ? going : findings;
}

/** `run: msmq-cert repair 'CORP\alice'`, or `do: ` and a sentence. */
export function adviceLines(advice: Advice): string[] {
  if (advice.kind === 'do') return [`do: ${advice.what}`];
  const { command, later } = advice;
  const then = later === null ? [] : [`then, when the programs of the user sign with the new keys, run: ${later}`];
  return [`run: ${command}`, ...then];
}

/** What helps against one finding; `entry` is the certificate that it is about, null when it is about the user. */
export type Adviser = (code: FindingCode, entry: Registered | null) => Advice;

export function adviser(state: UserState, measure: Measure): Adviser {
  if (state.kind === 'malformed') return byHand;
  const groups = byMachine(state.entries);
  const groupOf = new Map(groups.flatMap((group) => group.entries.map((entry) => [entry, group] as const)));
  const onAll = new Map<FindingCode, Advice>();
  return (code, entry) => {
    if (entry === null) return adviceOnUser(code, state, measure);
    const [first = code] = decisive(entry);
    const deciding = TO_GO.includes(first) ? first : code;
    const onOne = adviceOnOne(deciding, state, entry, groupOf.get(entry)?.entries ?? []);
    const advice = onOne ?? onAll.get(deciding) ?? adviceOnAll(deciding, state, groups, measure);
    if (onOne === null) onAll.set(deciding, advice);
    return advice;
  };
}

function adviceOnUser(code: FindingCode, state: DecodedState, { maxCertificates }: Measure): Advice {
  if (code === 'digest-orphan') return run(command('repair', [nameForCommand(state.user)]));
  if (code !== 'near-capacity' && code !== 'over-capacity') return byHand(code);
  const freed = freeing(state);
  return freed !== null && makesRoom(state, freed.going, maxCertificates) ? run(freed.command) : byHand(code);
}

/** Where the certificate itself is named, or its machine has no successor for it; null where one command helps all alike. */
function adviceOnOne(
  code: FindingCode,
  state: DecodedState,
  entry: Registered,
  ofMachine: readonly Registered[],
): Advice | null {
  const byDigest = () => run(pruned(state, [entry], ['--digest', entry.digest]));
  const spare = ofMachine.find((each) => each !== entry && !isBroken(each) && !each.findings.includes('expiring'));
  switch (code) {
    case 'machine-disabled':
      return byDigest();
    case 'not-a-certificate':
    case 'not-rsa':
    case 'expired':
      return entry.machine === null ? byDigest() : null;
    case 'not-yet-valid':
      if (entry.machine === null) return byDigest();
      return spare === undefined ? null : byHand(code);
    case 'weak-key':
    case 'weak-signature':
      return entry.machine === null ? doThis(code, REGISTER_ANOTHER) : null;
    case 'expiring':
      if (entry.machine === null) return doThis(code, REGISTER_ANOTHER);
      return spare === undefined ? null : doThis(code, HAS_ANOTHER);
    default:
      return null;
  }
}

function adviceOnAll(
  code: FindingCode,
  state: DecodedState,
  groups: readonly MachineGroup[],
  { expiringWithin, machineInactive }: Measure,
): Advice {
  const users = [nameForCommand(state.user)];
  const machines = machinesWith(code, groups);
  switch (code) {
    case 'digest-mismatch':
    case 'digest-missing':
    case 'digest-duplicate':
      return run(command('repair', users));
    case 'not-a-certificate':
    case 'not-rsa':
    case 'expired':
    case 'not-yet-valid':
      return run(command('renew', users, '--broken', ...machines));
    case 'weak-key':
    case 'weak-signature':
      return inTwoSteps(code, state, command('replace', users, '--overlap', ...machines));
    case 'expiring': {
      const within = ['--expiring-within', durationText(expiringWithin)] as const;
      return inTwoSteps(code, state, command('renew', users, within, '--overlap', ...machines));
    }
    case 'superseded':
      return run(pruned(state, found(state, code), '--superseded'));
    case 'machine-gone':
      return run(pruneCommand(state.user, lossOfGone(state.entries, found(state, code)), '--machine-gone'));
    case 'machine-inactive':
      return run(pruned(state, found(state, code), ['--machine-inactive', durationText(machineInactive)]));
    default:
      return byHand(code);
  }
}

/** The old certificate still works and may be in use, so it goes in a second step. */
function inTwoSteps(code: FindingCode, state: DecodedState, first: string): Advice {
  const due = found(state, code).filter(({ machine }) => machine !== null);
  const { removed, of } = lossOf(state.entries, [...due, ...found(state, 'superseded')]);
  const later = pruneCommand(state.user, { removed, of: of + due.length }, '--superseded');
  return { kind: 'run', command: first, later };
}

/** The options that name the machines with a finding; none when all of them have it. */
function machinesWith(code: FindingCode, groups: readonly MachineGroup[]): CommandOption[] {
  const isDue = ({ findings }: Registered) =>
    findings.some((each) => each === code) && !findings.some((each) => TO_GO.includes(each));
  const due = groups.filter(({ entries }) => entries.some(isDue));
  return due.length === groups.length ? [] : due.map(({ machine }) => ['--machine', machine] as const);
}

function found({ entries }: DecodedState, code: FindingCode): Registered[] {
  return entries.filter(({ findings }) => findings.some((each) => each === code));
}

function pruned({ user, entries }: DecodedState, going: readonly Registered[], policy: CommandOption): string {
  return pruneCommand(user, lossOf(entries, going), policy);
}

function run(command: string): Advice {
  return { kind: 'run', command, later: null };
}

function byHand(code: FindingCode): Advice {
  return doThis(code, WHAT_TO_DO[code] ?? 'read what it means');
}

function doThis(code: FindingCode, what: string): Advice {
  return { kind: 'do', what: `${what}; see docs/findings.md#${code}` };
}

const REGISTER_ANOTHER =
  'its subject names no machine: register another certificate for its machine, then prune this one by its digest';
const HAS_ANOTHER =
  'its machine has another sound certificate: prune this one by its digest when no program signs with it any more';
const NO_ROOM = 'decide which certificates are not used and prune them by machine or digest, or use another account';

/** Where no command can decide, or none of ours can write. */
const WHAT_TO_DO: Partial<Record<FindingCode, string>> = {
  'digest-shared': 'find out whose certificate it is, and prune it by its digest from everybody else',
  'malformed-blob': 'look at what is stored there before anything is written over it',
  'not-yet-valid': 'wait until it is valid: its machine has another sound certificate',
  'near-capacity': NO_ROOM,
  'over-capacity': NO_ROOM,
  'legacy-attributes': 'delete the values with the tools of the directory when no Windows 2000 is left',
  'protected-account':
    'write as an administrator, or take the account out of the protected groups and clear its adminCount',
};

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1000 },
  { unit: 'ms', ms: 1 },
] as const;

/** A duration as the options take it, exactly. */
function durationText(duration: number): string {
  const whole = Math.ceil(duration);
  const { unit, ms } = UNITS.find((each) => whole % each.ms === 0) ?? UNITS[4];
  return `${whole / ms}${unit}`;
}
