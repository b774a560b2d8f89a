import { setTimeout as delay } from 'node:timers/promises';
import { quoted } from '../advice.ts';
import type { Directory, Listing, User } from '../directory/directory.ts';
import { MsmqCertError } from '../errors.ts';
import { criteriaToday } from '../judge/criteria.ts';
import { assessKnowingly, type Criteria, type DecodedState } from '../judge/state.ts';
import { type Aftermath, compare, type Decision, decide, internalOf } from '../machine/internal.ts';
import { sameAccount } from '../machine/owner.ts';
import type { Registration } from '../native/windows/mq-results.ts';
import { openMqrt, type RegisterFlag } from '../native/windows/mqrt.ts';
import type { PruneRequest } from '../plan/request.ts';
import { openDirectory } from './access/connect.ts';
import { exitCodes } from './exit-codes.ts';
import { type Here, thisMachineWithKeys } from './machine.ts';
import { printResult } from './output.ts';
import { recognitionIn, statedRecognition } from './recognition.ts';
import { carryOut } from './running/carry-out.ts';
import { keySettingsRecord } from './running/policies.ts';
import type { KeySettings } from './settings.ts';
import { print, tell } from './terminal.ts';

export interface InternalSettings extends KeySettings {
  renew: boolean;
  overlap: boolean;
  user?: string | undefined;
}

/** How often the directory is read again for what MSMQ has registered, on a server that it chose itself. */
const LOOK_AGAIN_MS = 1000;

/**
 * Lets MSMQ make and register the internal certificate of this account on this machine, and retires what it leaves
 * behind.
 */
export async function installInternal(options: InternalSettings): Promise<void> {
  const here = await thisMachineWithKeys('install');
  const register = openMqrt(here.calls);
  const outcome = await registered(here, register, options);
  const { user, decision, registration, aftermath } = outcome;
  const internal = jsonOf(outcome);
  if (!options.json && !options.quiet) print([...linesOf(here, outcome), '']);
  const left = leftOver(outcome);
  if (registration === null || aftermath.stale.length === 0 || options.overlap || left.length > 0) {
    const changed = registration === 'registered';
    const json = { schema: 1, command: 'install', dryRun: options.dryRun, changed, internal, results: [] };
    const isChange = changed || (options.dryRun && decision.flag === 'always');
    const done = options.detailedExitcode && isChange ? exitCodes.changed : exitCodes.done;
    const exitCode = left.length > 0 ? exitCodes.someFailed : done;
    printResult({ exitCode, json, lines: leftLines(user, left) }, options);
    return;
  }
  const targets = [{ name: user.sid ?? user.dn, wanted: [] }];
  const keys = await keySettingsRecord(options);
  const run = { request: retire(aftermath.stale, options.yes), targets, keys, resume: null, undoes: null };
  await carryOut('install', { ...run, preface: { internal } }, options);
}

interface Outcome {
  user: User;
  decision: Decision;
  /** What the directory had for this machine before. */
  before: string[];
  /** Whether the account that is bound may write what is retired; null when that cannot be told, or nothing is to be retired. */
  mayRetire: boolean | null;
  /** Null in a dry run. */
  registration: Registration | null;
  aftermath: Aftermath;
}

async function registered(
  here: Here,
  register: (flag: RegisterFlag) => Registration,
  options: InternalSettings,
): Promise<Outcome> {
  const stated = await statedRecognition(options);
  const directory = await openDirectory(options);
  try {
    const rules = criteriaToday(recognitionIn(directory, stated), options);
    const user = await directory.findUser(accountIn(here, options.user));
    const before = await decoded(directory, user, rules);
    const decision = decide(before, here.session, options.renew);
    const had = internalOf(before, here.session).map(({ digest }) => digest);
    const mayRetire = options.overlap ? null : ((await directory.mayWrite?.(user)) ?? null);
    if (mayRetire === false && !options.quiet) tell(...cannotRetire(user));
    const known = { user, decision, before: had, mayRetire };
    if (options.dryRun) return { ...known, registration: null, aftermath: { added: [], stale: [] } };
    const registration = register(decision.flag);
    const look = async () => compare(before, await decoded(directory, user, rules), here.session);
    if (registration === 'exists') return { ...known, registration, aftermath: await look() };
    return { ...known, registration, aftermath: await seen(look, directory.server, options.timeout) };
  } finally {
    await directory.close();
  }
}

/** @throws MsmqCertError wrong-owner */
function accountIn({ session }: Here, stated: string | undefined): string {
  if (stated === undefined) return session.account;
  if (sameAccount(stated, session.account)) return stated;
  throw new MsmqCertError('wrong-owner', `this is a session of ${session.account}, and not of ${stated}`, {
    hint: 'MSMQ registers for the account that runs this: run it as the user',
  });
}

async function decoded(directory: Directory & Listing, user: User, rules: Criteria): Promise<DecodedState> {
  const state = await assessKnowingly(user, await directory.read(user), rules);
  if (state.kind === 'malformed') throw state.error;
  return state;
}

/** @throws MsmqCertError not-replicated */
async function seen(look: () => Promise<Aftermath>, server: string, withinMs: number): Promise<Aftermath> {
  const end = Date.now() + withinMs;
  for (;;) {
    const aftermath = await look();
    if (aftermath.added.length > 0) return aftermath;
    if (Date.now() + LOOK_AGAIN_MS > end) break;
    await delay(LOOK_AGAIN_MS);
  }
  throw new MsmqCertError(
    'not-replicated',
    `MSMQ says that it has registered a certificate, and ${server} shows none yet`,
    {
      hint: 'nothing was retired; look again with msmq-cert list when the domain controllers have replicated, or give --timeout 5m',
    },
  );
}

function retire(digests: string[], confirmed: boolean): PruneRequest {
  return {
    ...{ verb: 'prune', expired: false, supersededForMs: null, machineGone: false, machineInactiveMs: null },
    ...{ machines: [], digests, keepNewest: null, maxRemovals: 50, confirmed, includeComputers: false },
  };
}

/** Told before MSMQ is asked, which cannot be taken back. */
function cannotRetire({ account }: User): string[] {
  return [
    `warning: this bind may not write the certificates of ${account}: what MSMQ leaves stale will stay registered`,
    'hint: give --overlap to leave it on purpose, or bind as an account that may write',
  ];
}

/** What is stale and stays registered, as it may not be written. */
function leftOver({ mayRetire, aftermath }: Outcome): string[] {
  return mayRetire === false ? aftermath.stale : [];
}

function leftLines({ account }: User, left: readonly string[]): string[] {
  if (left.length === 0) return [];
  // without the options of this bind, which are those that do not serve
  const removal = ['msmq-cert prune', quoted(account), ...left.map((digest) => `--digest ${digest}`)].join(' ');
  return [
    `not retired, as this bind may not write: ${left.join(', ')}`,
    `an account that may write removes it: ${removal}`,
  ];
}

function jsonOf(outcome: Outcome) {
  const { decision, before, registration, aftermath, mayRetire } = outcome;
  const { added, stale } = aftermath;
  const told = { flag: decision.flag, why: decision.why, result: registration, before, added, stale };
  return { ...told, mayRetire, left: leftOver(outcome) };
}

function linesOf({ session }: Here, { decision, registration, aftermath }: Outcome): string[] {
  const { added, stale } = aftermath;
  const asked = decision.flag === 'always' ? 'always' : 'only if this machine has none';
  const where = `${session.account} on ${session.machines[0]}`;
  const head = `internal certificate of ${where}: ${decision.why}`;
  if (registration === null) return [head, `MSMQ would be asked to make one: ${asked} (dry run: it was not)`];
  if (registration === 'exists') return [head, 'MSMQ was asked, and this machine has one already'];
  const several = added.length > 1 ? ['more than one is new, so nothing of this machine is retired'] : [];
  return [
    head,
    ...added.map((digest) => `MSMQ registered ${digest}`),
    ...several,
    ...stale.map((digest) => `stale: ${digest}`),
  ];
}
