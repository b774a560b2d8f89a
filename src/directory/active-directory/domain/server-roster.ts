import { setTimeout as pause } from 'node:timers/promises';
import { MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { isUnreachable } from './connect-server.ts';

/** A domain controller that is connected to when it is needed. */
export interface Server {
  host: string;
  /** The connected directory; callers at the same time share one attempt. */
  open(): Promise<ActiveDirectory>;
  close(): Promise<void>;
}

export function serverAt(host: string, connect: () => Promise<ActiveDirectory>): Server {
  let opened: Promise<ActiveDirectory> | null = null;
  return {
    host,
    open: async () => {
      opened ??= connect();
      const attempt = opened;
      return await attempt.catch((error) => {
        if (opened === attempt) opened = null;
        throw error;
      });
    },
    close: async () => {
      const directory = await opened?.catch(() => null);
      await directory?.close();
    },
  };
}

/** The servers of a domain, one of which is in use. */
export interface Roster {
  /** In the order in which they are tried. */
  readonly servers: readonly Server[];
  inUse(): Server;
  /** The server with this host name, undefined when it is none of ours. */
  named(host: string): Server | undefined;
  /**
   * Called when `lost` failed with `cause`: waits for it a moment, then takes the next that answers into use. Callers at
   * the same time share one search; it is over at once when another server is in use already.
   * @throws MsmqCertError `cause` when there is no other server, directory-unreachable when none of the others answers
   */
  moveOn(lost: Server, cause: MsmqCertError): Promise<void>;
  /** Takes a server into use. */
  use(server: Server): void;
  close(): Promise<void>;
}

/** How long a server that restarts is waited for before another takes its place, in milliseconds. */
export const GRACE_MS: readonly number[] = [500, 2000];

export interface RosterOptions {
  /** In the order in which to try them. */
  servers: readonly Server[];
  /** Refuses a server that answers but does not serve the purpose. */
  admit(directory: ActiveDirectory): void;
  /** Told when another server is taken into use in the middle of the work. */
  onMove(from: Server, to: Server): void;
  graceMs: readonly number[];
}

export function makeRoster({ servers, admit, onMove, graceMs }: RosterOptions): Roster {
  let current = firstOf(servers);
  let moving: Promise<void> | null = null;
  const givenUp = new Set<Server>();

  async function move(lost: Server, cause: MsmqCertError): Promise<void> {
    const others = servers.filter((server) => server !== lost);
    if (others.length === 0) throw cause;
    if (!givenUp.has(lost) && (await comesBack(lost, graceMs))) return;
    givenUp.add(lost);
    const next = await firstThatAnswers(others, admit).catch((error) => {
      throw nobodyTakesOver(cause, toMsmqCertError(error));
    });
    givenUp.delete(next);
    current = next;
    onMove(lost, next);
  }

  return {
    servers,
    inUse: () => current,
    named: (host) => servers.find((server) => server.host === host.toLowerCase()),
    moveOn: async (lost, cause) => {
      if (current !== lost) return;
      moving ??= move(lost, cause).finally(() => {
        moving = null;
      });
      await moving;
    },
    use: (server) => {
      current = server;
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

async function comesBack(server: Server, graceMs: readonly number[]): Promise<boolean> {
  for (const delay of graceMs) {
    await pause(delay);
    try {
      await (await server.open()).ready();
      return true;
    } catch (error) {
      if (!isUnreachable(toMsmqCertError(error))) throw error;
    }
  }
  return false;
}

/**
 * The first server that answers and is admitted. One that refuses the credentials ends the search: asking the others would
 * only bring the account closer to a lockout.
 * @throws MsmqCertError the failure of the only server, directory-unreachable when there are several
 */
export async function firstThatAnswers(
  servers: readonly Server[],
  admit: (directory: ActiveDirectory) => void,
): Promise<Server> {
  const failures: MsmqCertError[] = [];
  for (const server of servers) {
    try {
      const directory = await server.open();
      await directory.ready();
      admit(directory);
      return server;
    } catch (thrown) {
      const error = toMsmqCertError(thrown);
      failures.push(error);
      if (!SKIPPED.includes(error.code)) throw error;
    }
  }
  throw noneAnswers(failures);
}

function nobodyTakesOver(lost: MsmqCertError, other: MsmqCertError): MsmqCertError {
  if (!SKIPPED.includes(other.code)) return other;
  return new MsmqCertError('directory-unreachable', `${lost.message}, and nobody can take over: ${other.message}`, {
    ...(lost.hint !== undefined && { hint: lost.hint }),
    cause: lost,
  });
}

const SKIPPED: readonly string[] = ['directory-unreachable', 'directory-timeout', 'directory-busy', 'referral'];

function noneAnswers(failures: readonly MsmqCertError[]): MsmqCertError {
  const [first, ...others] = failures;
  if (first !== undefined && others.length === 0) return first;
  return new MsmqCertError(
    'directory-unreachable',
    `none of ${failures.length} domain controllers can be used: ${first?.message}`,
    { hint: first?.hint ?? 'check the network', problems: failures.map(({ message }) => message), cause: first },
  );
}

function firstOf(servers: readonly Server[]): Server {
  const [first] = servers;
  if (first === undefined) throw new MsmqCertError('internal', 'a roster of no servers');
  return first;
}
