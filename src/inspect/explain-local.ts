import { sameMachine } from '../certificate/machine.ts';
import { isBroken, type UserState } from '../judge/state.ts';
import type { Installed } from '../machine/installed.ts';
import type { Check } from './explain.ts';

/**
 * Joins what the directory has for a user and a machine with what is in the user's store there: the two must have one
 * certificate in common whose key signs. The store of MSMQ itself, with the internal certificate, cannot be looked into.
 */
export function joinSides(state: UserState, machine: string, installed: readonly Installed[]): Check[] {
  const entries = state.kind === 'decoded' ? state.entries : [];
  const registered = entries.filter((entry) => entry.machine !== null && sameMachine(entry.machine, machine));
  const sound = new Set(entries.filter((entry) => !isBroken(entry)).map(({ md5 }) => md5));
  const there = new Map(installed.map((each) => [each.digest, each]));
  const here = installed.filter((each) => each.machine !== null && sameMachine(each.machine, machine));

  const joined = installed.filter(({ digest, signsSha512 }) => signsSha512 && sound.has(digest));
  const unregistered = here.filter(({ digest }) => !sound.has(digest));
  const useless = here.filter(({ digest, signsSha512 }) => sound.has(digest) && !signsSha512);
  const missing = registered.filter(({ md5, isOwnMake }) => isOwnMake && sound.has(md5) && !there.has(md5));
  const internal = registered.filter(({ isOwnMake, md5 }) => !isOwnMake && !there.has(md5));
  const severity = joined.length > 0 ? 'unknown' : 'failed';
  return [
    ...joined.map(({ digest }) => check('ok', `${digest} is registered, and its key signs with SHA-512 here`)),
    ...unregistered.map(({ digest }) =>
      check('failed', `${digest} is installed here and not registered soundly: what is signed with it is refused`),
    ),
    ...useless.map(({ digest }) =>
      check(
        'failed',
        `${digest} is registered, and its key does not sign with SHA-512 here: install its PFX with msmq-cert`,
      ),
    ),
    ...missing.map(({ digest }) => check(severity, `${digest} is registered, and its key is not in the store here`)),
    ...internal.map(({ digest }) =>
      check('unknown', `${digest} is of another maker: whether MSMQ has its key here cannot be seen`),
    ),
    ...(registered.length === 0 && here.length === 0
      ? [check('failed', `nothing for ${machine} is installed here or registered`)]
      : []),
  ];
}

function check(status: Check['status'], message: string): Check {
  return { name: 'both sides', status, message };
}
