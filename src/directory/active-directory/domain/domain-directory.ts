import { applyChange } from '../../../blob/edit.ts';
import { type Change, type Pair, pairKey } from '../../../blob/pair.ts';
import { type ErrorCode, MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import { type Directory, type Listing, type SwapOutcome, type User, userKey } from '../../directory.ts';
import type { Replicated } from '../../replicas.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { isUnreachable } from './connect-server.ts';
import type { Roster, Server } from './server-roster.ts';

/** How long the server that a write of unknown outcome went to is asked again, in milliseconds. */
const PATIENCE_MS = 15_000;

/**
 * Where a user was read and written, and how he must look for another server to take over. Domain controllers tell each
 * other of a change minutes later, so a server that shows anything else may not know the last write yet: to go on there
 * would lose it (specification §7).
 */
interface Pin {
  server: Server;
  /** The state that the server has shown, or was left with: see pairKey. Null when nobody knows it. */
  state: string | null;
  /** Since when the outcome of a write has been unknown, in milliseconds since 1970; null when there is none such. */
  unknownSince: number | null;
}

/**
 * One directory over a roster of servers, by these rules:
 * - Everything goes to the server in use. When it fails to answer, the next user, or a user of whom nothing was sent yet,
 *   is read from the next server. A swap goes where the user was read, and nowhere else.
 * - A user known from one server goes on at another only if that shows exactly the state the first one had.
 * - A user whose swap has an unknown outcome stays with his server, unless another one shows the outcome.
 */
export function directoryOver(
  roster: Roster,
  use: 'read' | 'write',
  patienceMs: number = PATIENCE_MS,
): Directory & Listing & Replicated {
  const pins = new Map<string, Pin>();
  const urls = new Map<Server, string>();

  async function open(server: Server): Promise<ActiveDirectory> {
    const directory = await server.open();
    urls.set(server, directory.server);
    return directory;
  }

  async function onServerInUse<T>(operation: (directory: ActiveDirectory, server: Server) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const server = roster.inUse();
      try {
        return await operation(await open(server), server);
      } catch (thrown) {
        const error = toMsmqCertError(thrown);
        if (!isUnreachable(error) || attempt === MOST_ATTEMPTS) throw error;
        await roster.moveOn(server, error);
      }
    }
  }

  async function read(user: User): Promise<Pair> {
    const pin = pins.get(userKey(user));
    if (pin === undefined || pin.unknownSince === null) return await readWherePossible(user, pin);
    try {
      return await readAt(pin.server, user);
    } catch (thrown) {
      const error = toMsmqCertError(thrown);
      if (!isUnreachable(error)) throw error;
      if (pin.server === roster.inUse()) await roster.moveOn(pin.server, error);
      return await readWherePossible(user, pin).catch((elsewhere) => {
        throw Date.now() - (pin.unknownSince ?? 0) < patienceMs ? error : elsewhere;
      });
    }
  }

  async function readAt(server: Server, user: User): Promise<Pair> {
    const pair = await (await open(server)).read(user);
    pins.set(userKey(user), { server, state: pairKey(pair), unknownSince: null });
    return pair;
  }

  async function readWherePossible(user: User, pin: Pin | undefined): Promise<Pair> {
    return await onServerInUse(async (directory, server) => {
      const pair = await directory.read(user);
      const state = pairKey(pair);
      if (pin !== undefined && pin.server !== server && pin.state !== state) throw notContinued(user, pin, server);
      pins.set(userKey(user), { server, state, unknownSince: null });
      return pair;
    });
  }

  async function swap(user: User, before: Pair, change: Change): Promise<SwapOutcome> {
    if (use === 'read') return { kind: 'refused', error: onlyForReading(user, roster.inUse()) };
    const server = pins.get(userKey(user))?.server ?? roster.inUse();
    const directory = await open(server);
    await directory.ready();
    // from here on the write may have reached the server
    pins.set(userKey(user), { server, state: pairKey(applyChange(before, change)), unknownSince: Date.now() });
    const outcome = await directory.swap(user, before, change);
    pins.set(userKey(user), { server, state: stateAfter(outcome, before, change), unknownSince: null });
    return outcome;
  }

  function stayWith(user: User, url: string): void {
    const host = URL.canParse(url) ? new URL(url).hostname : url;
    const server = roster.named(host);
    if (server === undefined) throw unknownServer(user, host);
    pins.set(userKey(user), { server, state: null, unknownSince: 0 });
  }

  const urlOf = (server: Server) => urls.get(server) ?? server.host;
  return {
    get server() {
      return urlOf(roster.inUse());
    },
    serverOf: (user) => urlOf(pins.get(userKey(user))?.server ?? roster.inUse()),
    stayWith,
    findUser: (name) => onServerInUse((directory) => directory.findUser(name)),
    findUsers: (names) =>
      onServerInUse(async (directory) => (await directory.findUsers?.(names)) ?? names.map(() => null)),
    read,
    mayWrite: (user) => onServerInUse((directory) => directory.mayWrite(user)),
    swap,
    users: (scope) => flatten(onServerInUse(async (directory) => directory.users(scope))),
    survey: (part) => onServerInUse((directory) => directory.survey(part)),
    computersNamed: (names) => onServerInUse((directory) => directory.computersNamed(names)),
    findByDigest: (digests) => onServerInUse((directory) => directory.findByDigest(digests)),
    provenance: () => onServerInUse((directory) => directory.provenance()),
    replicas: () => onServerInUse((directory) => directory.replicas()),
    close: roster.close,
  };
}

/** Every server may fail once, and the first may come back meanwhile. */
const MOST_ATTEMPTS = 5;

async function* flatten<T>(source: Promise<AsyncIterable<T>>): AsyncGenerator<T> {
  yield* await source;
}

function stateAfter(outcome: SwapOutcome, before: Pair, change: Change): string | null {
  switch (outcome.kind) {
    case 'swapped':
      return pairKey(applyChange(before, change));
    case 'refused':
      return pairKey(before);
    case 'conflict':
      return null;
  }
}

function notContinued(user: User, pin: Pin, other: Server): MsmqCertError {
  const problem = (code: ErrorCode, message: string) =>
    new MsmqCertError(code, message, {
      hint: `when ${pin.server.host} answers again, or has told ${other.host} of its changes, run the same command again: it recognises what was registered`,
    });
  return pin.unknownSince === null
    ? problem(
        'conflict',
        `${other.host} does not show ${user.account} as ${pin.server.host} did before it stopped answering`,
      )
    : problem(
        'outcome-unknown',
        `${pin.server.host} stopped answering during the write to ${user.account}, and ${other.host} does not know of it`,
      );
}

function onlyForReading(user: User, server: Server): MsmqCertError {
  return new MsmqCertError('referral', `${server.host} was chosen for reading, ${user.account} is not written there`, {
    hint: 'leave --read-from away: writes go to the PDC emulator',
  });
}

function unknownServer(user: User, host: string): MsmqCertError {
  return new MsmqCertError(
    'outcome-unknown',
    `the last write to ${user.account} went to ${host}, and DNS does not name that server any more`,
    { hint: `look at the user with msmq-cert list, against a server that replicates with ${host}` },
  );
}
