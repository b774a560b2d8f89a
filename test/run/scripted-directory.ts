import assert from 'node:assert/strict';
import { encode } from '../../src/blob/codec.ts';
import { digestSet } from '../../src/blob/digest.ts';
import { append, applyChange, newEntry } from '../../src/blob/edit.ts';
import { type Change, type Pair, sameBlob } from '../../src/blob/pair.ts';
import { tookEffect } from '../../src/blob/registered.ts';
import type { DigestHolders, Directory, SwapOutcome, User } from '../../src/directory/directory.ts';
import { MsmqCertError } from '../../src/errors.ts';
import { seedCertificate } from '../certificate/support.ts';

/**
 * What happens at one swap. A rival writes just before it; or its reply is lost, when the write has taken, has not, or
 * takes only later. `asked`: the directory is asked at once what became of it, as Active Directory is.
 */
export const swapMoves = [
  'takes',
  'rival-adds',
  'rival-tears',
  'lost',
  'lost-applied',
  'late',
  'asked',
  'asked-applied',
  'asked-overtaken',
  'refused',
  'busy',
] as const;
export type SwapMove = (typeof swapMoves)[number];

export const readMoves = ['answers', 'fails', 'refused'] as const;
export type ReadMove = (typeof readMoves)[number];

/** What happens at the first swaps and reads, in order; later ones go well. */
export interface Script {
  swaps?: readonly SwapMove[];
  reads?: readonly ReadMove[];
}

/** One state of one user; `by` is null for rivals and for how it began. */
export interface Version {
  user: User;
  before: Pair;
  pair: Pair;
  by: string | null;
}

/** What is in the directory, whoever looks. */
export interface World {
  users: readonly User[];
  /** Every state there was, oldest first. */
  versions: Version[];
  pairOf(user: User): Pair;
  /** Somebody else puts the pair so. */
  put(user: User, pair: Pair): void;
  /** Writes whose sender has given them up: they arrive after all before the next operation of whoever it is. */
  late: (() => void)[];
  arrive(): void;
}

export function userNamed(name: string): User {
  return {
    account: `CORP\\${name}`,
    dn: `CN=${name},DC=corp`,
    sid: `S-1-5-21-1-2-3-${1000 + name.length}`,
    guid: `guid-of-${name}`,
    protected: false,
  };
}

/** A sound certificate that somebody else registered for a machine. */
export function foreignEntry(user: User, machine: string, serial: number) {
  const subject = `[${user.account.replace('\\', '/')}, ${machine}]`;
  const [notBefore, notAfter] = [new Date('2020-01-01'), new Date('2049-01-01')];
  return newEntry(seedCertificate({ subject, notBefore, notAfter, serial }));
}

export function worldWith(seeds: readonly (readonly [User, Pair])[]): World & { commit(version: Version): void } {
  const current = new Map(seeds.map(([user, pair]) => [user.dn, pair]));
  const versions: Version[] = seeds.map(([user, pair]) => ({ user, before: pair, pair, by: null }));
  const pairOf = (user: User) => {
    const pair = current.get(user.dn);
    assert.ok(pair);
    return pair;
  };
  const commit = (version: Version) => {
    current.set(version.user.dn, version.pair);
    versions.push(version);
  };
  const late: (() => void)[] = [];
  return {
    late,
    arrive: () => {
      for (const write of late.splice(0)) write();
    },
    users: seeds.map(([user]) => user),
    versions,
    pairOf,
    commit,
    put: (user, pair) => commit({ user, before: pairOf(user), pair, by: null }),
  };
}

/** Lets each operation begin and end when its time has come. */
export type Step = <T>(operation: () => Promise<T>) => Promise<T>;

export interface Face {
  /** Whose writes these are in {@link World.versions}. */
  by: string;
  script?: Script;
  step?: Step;
  /** Called with each write of this face before it is there. */
  onWrite?: (version: Version) => void;
}

/** One process's view of the world: a directory in which what the script says goes wrong. */
export function scriptedDirectory(world: ReturnType<typeof worldWith>, face: Face): Directory {
  const { by, script = {}, step = (operation) => operation(), onWrite = () => {} } = face;
  const swaps = [...(script.swaps ?? [])];
  const reads = [...(script.reads ?? [])];
  let rivals = 0;

  const apply = (user: User, before: Pair, change: Change): SwapOutcome => {
    const pair = world.pairOf(user);
    if (!fits(pair, before, change)) return { kind: 'conflict' };
    const version = { user, before: pair, pair: applyChange(pair, change), by };
    onWrite(version);
    world.commit(version);
    return { kind: 'swapped' };
  };
  const rivalAdds = (user: User) => {
    const pair = world.pairOf(user);
    rivals++;
    const entry = foreignEntry(user, `RIVAL-${by}-${rivals}`, rivals);
    world.put(user, applyChange(pair, append(pair, [entry])));
  };
  const ask = (user: User, before: Pair, change: Change): SwapOutcome => ({
    kind: tookEffect(before, change, world.pairOf(user)) ? 'swapped' : 'conflict',
  });
  const swapBy: Record<SwapMove, (user: User, before: Pair, change: Change) => SwapOutcome> = {
    takes: apply,
    'rival-adds': (user, before, change) => {
      rivalAdds(user);
      return apply(user, before, change);
    },
    // what a clean-up by hand leaves: the blob as it was, and digests that belong to nothing
    'rival-tears': (user, before, change) => {
      world.put(user, { blob: encode([foreignEntry(user, `TORN-${by}`, 99)]), digests: world.pairOf(user).digests });
      return apply(user, before, change);
    },
    lost: () => {
      throw unreachable();
    },
    'lost-applied': (user, before, change) => {
      apply(user, before, change);
      throw unreachable();
    },
    late: (user, before, change) => {
      world.late.push(() => apply(user, before, change));
      throw unreachable();
    },
    asked: ask,
    'asked-applied': (user, before, change) => {
      apply(user, before, change);
      return ask(user, before, change);
    },
    'asked-overtaken': (user, before, change) => {
      apply(user, before, change);
      rivalAdds(user);
      return ask(user, before, change);
    },
    refused: () => ({ kind: 'refused', error: new MsmqCertError('access-denied', 'no right to write') }),
    busy: () => ({ kind: 'refused', error: new MsmqCertError('directory-busy', 'come again') }),
  };

  return {
    server: 'scripted',
    findUser: async (name) => {
      const user = world.users.find(({ account }) => account === `CORP\\${name}`);
      if (user === undefined) throw new MsmqCertError('user-not-found', `no user is named ${name}`);
      return user;
    },
    read: (user) =>
      step(async () => {
        const move = reads.shift() ?? 'answers';
        if (move === 'fails') throw unreachable();
        if (move === 'refused') throw new MsmqCertError('directory-error', 'the read is refused');
        const pair = world.pairOf(user);
        // it is not there yet when its sender looks, which is the worst that it can do
        world.arrive();
        return pair;
      }),
    swap: (user, before, change) =>
      step(async () => {
        world.arrive();
        return swapBy[swaps.shift() ?? 'takes'](user, before, change);
      }),
    close: async () => {},
  };
}

export async function findByDigest(): Promise<DigestHolders> {
  return { reach: { kind: 'file' }, users: [] };
}

/** As the specification has it in §7: the blob is compared, and no digest may be there twice or be missing. */
function fits(now: Pair, before: Pair, { digestsToAdd, digestsToDelete }: Change): boolean {
  const present = digestSet(now.digests);
  return (
    sameBlob(now.blob, before.blob) &&
    !digestsToAdd.some((digest) => present.has(digest)) &&
    digestsToDelete.every((digest) => present.has(digest))
  );
}

function unreachable(): MsmqCertError {
  return new MsmqCertError('directory-unreachable', 'the connection was lost');
}
