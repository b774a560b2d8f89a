import { type DecodedState, isBroken, type Registered } from '../judge/state.ts';
import type { RegisterFlag } from '../native/windows/mqrt.ts';
import type { Session } from '../native/windows/session.ts';
import { isHere } from './owner.ts';

export interface Decision {
  flag: RegisterFlag;
  /** One sentence for people. */
  why: string;
}

/**
 * How MSMQ is to be asked for an internal certificate. It looks only at this machine whether there is one, so the
 * directory is asked here (specification §4).
 */
export function decide(state: DecodedState, session: Session, renew: boolean): Decision {
  const [machine = ''] = session.machines;
  if (renew) return { flag: 'always', why: 'a new one was asked for' };
  const here = internalOf(state, session);
  if (here.some((entry) => !isBroken(entry))) {
    return { flag: 'if-not-exist', why: `the directory has a sound one for ${machine}` };
  }
  const unknown = state.entries.filter((entry) => !entry.isOwnMake && entry.machine === null);
  if (here.length === 0 && unknown.length > 0) {
    const count = unknown.length === 1 ? '1 certificate' : `${unknown.length} certificates`;
    return {
      flag: 'if-not-exist',
      why: `the directory has ${count} that may be for ${machine}; --machine-of says which is, --renew makes a new one`,
    };
  }
  const lost = here.length === 0 ? 'has none' : 'has none that a receiver accepts';
  return { flag: 'always', why: `the directory ${lost} for ${machine}` };
}

/** What the directory has of other makers for this machine: what MSMQ may have registered. */
export function internalOf({ entries }: DecodedState, session: Session): Registered[] {
  return entries.filter(({ isOwnMake, machine }) => !isOwnMake && machine !== null && isHere(machine, session));
}

/** What came of a registration. */
export interface Aftermath {
  /** Digests of certificates that are new and may be this machine's. */
  added: string[];
  /** Digests to be retired: entries of this machine from before, and digests whose entry went. */
  stale: string[];
}

/**
 * Compares what the directory had before MSMQ registered and has after it. By the documents MSMQ removes the old entry of
 * this machine and leaves its digest. Nothing is stale as long as not exactly one new certificate is seen.
 */
export function compare(before: DecodedState, after: DecodedState, session: Session): Aftermath {
  const known = new Set(before.entries.map(({ md5 }) => md5));
  const fresh = after.entries.filter(
    ({ md5, machine, isOwnMake }) => !known.has(md5) && !isOwnMake && (machine === null || isHere(machine, session)),
  );
  const added = fresh.map(({ md5 }) => md5);
  if (added.length !== 1 || fresh.some(isBroken)) return { added, stale: [] };
  const left = new Set(after.entries.map(({ digest }) => digest));
  const entries = internalOf(before, session).filter(({ digest }) => left.has(digest));
  const had = new Set(before.entries.map(({ md5 }) => md5));
  const orphans = after.orphanDigests.filter((digest) => had.has(digest));
  return { added, stale: [...new Set([...entries.map(({ digest }) => digest), ...orphans])] };
}
