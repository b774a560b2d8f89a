import { command } from '../advice.ts';
import { examine } from '../blob/findings.ts';
import { sameMachine } from '../certificate/machine.ts';
import { type Directory, type Listing, type User, userKey } from '../directory/directory.ts';
import { nameForCommand } from '../directory/names.ts';
import { reachText } from '../judge/reach.ts';
import { byMachine, type DecodedState, isBroken, type Registered, type UserState } from '../judge/state.ts';
import { freeing } from './prune-command.ts';

/** One point of the checklist. `unknown`: nobody can tell from here. */
export interface Check {
  name: string;
  status: 'ok' | 'failed' | 'unknown';
  message: string;
}

export interface Explanation {
  checks: Check[];
  /** The one command that helps most, to paste. */
  command: string;
}

/** A check, and the command that helps when it fails; `stop` when the checks after it would say nothing. */
type Finding = Check & { command?: string; stop?: boolean };

/**
 * Walks through what is behind "The signature is invalid" for messages of one user from one machine (specification §5,
 * §8), in the order in which things must be right.
 */
export async function explain(state: UserState, machine: string, directory: Directory & Listing): Promise<Explanation> {
  const findings: Finding[] = [];
  for (const check of [
    readable,
    registered,
    sound,
    digests,
    onlyHere,
    newest,
    otherMaker,
    capacity,
    replicated,
    sameOnMachine,
  ]) {
    const finding = await check({ state, machine, directory });
    if (finding === null) continue;
    findings.push(finding);
    if (finding.stop) break;
  }
  const failed = findings.find(({ status, command }) => status === 'failed' && command !== undefined);
  const exported = `exported-on-${machine}.cer`;
  const fallback = command('verify', [], ['--certificate', exported], ['--user', nameForCommand(state.user)]);
  const checks = findings.map(({ name, status, message }): Check => ({ name, status, message }));
  return { checks, command: failed?.command ?? fallback };
}

interface Subject {
  state: UserState;
  machine: string;
  directory: Directory & Listing;
}

function readable({ state }: Subject): Finding {
  const name = 'blob';
  if (state.kind === 'decoded') return ok(name, `${counted(state.entries.length)} can be read`);
  const helps = command('repair', [nameForCommand(state.user)], '--salvage', '--yes');
  return { ...failed(name, state.error.message), command: helps, stop: true };
}

function registered({ state, machine }: Subject): Finding {
  const name = 'registered';
  const count = entriesFor(state, machine).length;
  if (count > 0) return ok(name, `${counted(count)} registered for ${machine}`);
  const others = entriesOf(state).filter((each) => each.machine === null).length;
  const unnamed =
    others === 0
      ? ''
      : `; ${others === 1 ? '1 other names no machine, and' : `${others} others name no machine, and one of them`} may be for it`;
  const helps = command('register', [nameForCommand(state.user)], ['--machine', machine]);
  return { ...failed(name, `no certificate is registered for ${machine}${unnamed}`), command: helps, stop: true };
}

function sound({ state, machine }: Subject): Finding {
  const name = 'sound';
  const entries = entriesFor(state, machine);
  const good = entries.filter((entry) => !isBrokenInItself(entry));
  if (good.length > 0) return ok(name, `${good.at(-1)?.digest} is valid, RSA, and can be read`);
  const findings = [...new Set(entries.flatMap((entry) => entry.findings))].join(', ');
  const helps = command('renew', [nameForCommand(state.user)], ['--machine', machine], '--broken');
  return { ...failed(name, `no receiver can accept what is registered: ${findings}`), command: helps, stop: true };
}

function digests({ state, machine }: Subject): Finding {
  const name = 'digests';
  const wrong = entriesFor(state, machine).filter(({ findings }) =>
    findings.some((each) => each === 'digest-missing' || each === 'digest-mismatch'),
  );
  if (wrong.length === 0) return ok(name, 'mSMQDigests and the Digest fields are MD5 of the certificates');
  const list = wrong.map(({ md5, findings }) => `${md5} (${findings.join(', ')})`).join(', ');
  const helps = command('repair', [nameForCommand(state.user)]);
  return { ...failed(name, `receivers cannot find the user by ${list}`), command: helps };
}

async function onlyHere({ state, machine, directory }: Subject): Promise<Finding> {
  const name = 'unique';
  let where = '';
  for (const { md5 } of entriesFor(state, machine)) {
    const { reach, users } = await directory.findByDigest([Buffer.from(md5, 'hex')]);
    where = reachText(reach);
    const other = users.find((user) => userKey(user) !== userKey(state.user));
    if (other === undefined) continue;
    const helps = await removalFrom(other, md5, directory);
    return {
      ...failed(name, `${other.account} has the digest ${md5} too, so receivers find two users`),
      command: helps,
    };
  }
  return ok(name, `nobody else in ${where} has the digest`);
}

/** A digest without its certificate is an orphan there, which prune does not know. */
async function removalFrom(other: User, digest: string, directory: Directory): Promise<string> {
  const examination = examine(await directory.read(other));
  const held = examination.kind === 'decoded' && examination.entries.some((entry) => entry.md5 === digest);
  return held
    ? command('prune', [nameForCommand(other)], ['--digest', digest], '--yes')
    : command('repair', [nameForCommand(other)]);
}

function newest({ state, machine }: Subject): Finding | null {
  const entries = entriesFor(state, machine);
  if (entries.length < 2) return null;
  const message = `${machine} has ${entries.length} certificates; a program that runs since before a renewal signs with an older one`;
  return {
    name: 'overlap',
    status: 'unknown',
    message: `${message}, which must stay registered until it is started anew`,
  };
}

function otherMaker({ state, machine }: Subject): Finding | null {
  const others = entriesFor(state, machine).filter((entry) => !entry.isOwnMake);
  if (others.length === 0) return null;
  const list = others.map(({ digest }) => digest).join(', ');
  const message = `${list} is of another maker, perhaps of Windows on ${machine}: a sender that names no certificate signs with that one. If its key is lost there, Enable-MsmqCertificate -RenewInternalCertificate, run on ${machine} as ${state.user.account}, makes a new one`;
  return { name: 'maker', status: 'unknown', message };
}

function capacity({ state }: Subject): Finding {
  const name = 'capacity';
  if (!state.findings.includes('over-capacity')) return ok(name, 'there is room for further certificates');
  const full = failed(name, 'the user is full, so that nothing new can be registered, not even by a logon');
  const freed = state.kind === 'decoded' ? freeing(state) : null;
  return freed === null ? full : { ...full, command: freed.command };
}

function replicated({ state }: Subject): Finding {
  const message = `only one server was asked; ${command('replication', [nameForCommand(state.user)])} compares all of them`;
  return { name: 'replication', status: 'unknown', message };
}

function sameOnMachine({ machine }: Subject): Finding {
  const message = `whether ${machine} signs with what is registered: a machine that was installed anew has another certificate. Receivers log event 2196 for what they refuse, and send no notice of it to the sender`;
  return { name: 'machine', status: 'unknown', message };
}

function entriesOf(state: UserState): DecodedState['entries'] {
  return state.kind === 'decoded' ? state.entries : [];
}

function entriesFor(state: UserState, machine: string): Registered[] {
  const group = byMachine(entriesOf(state)).find((each) => sameMachine(each.machine, machine));
  return (group?.entries ?? []).filter(({ findings }) => !findings.includes('digest-duplicate'));
}

/** Broken in a way that only a new certificate mends. */
function isBrokenInItself(entry: Registered): boolean {
  const mendable = ['digest-mismatch', 'digest-missing'];
  return isBroken({ ...entry, findings: entry.findings.filter((finding) => !mendable.includes(finding)) });
}

function counted(count: number): string {
  return count === 1 ? '1 certificate' : `${count} certificates`;
}

function ok(name: string, message: string): Finding {
  return { name, status: 'ok', message };
}

function failed(name: string, message: string): Finding {
  return { name, status: 'failed', message };
}
