import { type User, userKey } from '../../directory.ts';
import type { Server } from './server-roster.ts';

/**
 * Where a user was read and written, and how he must look for another server to take over. Domain controllers tell each
 * other of a change minutes later, so a server that shows anything else may not know the last write yet: to go on there
 * would lose it (specification §7).
 */
export interface Pin {
  server: Server;
  /** The state that the server has shown, or was left with: see pairKey. Null when nobody knows it. */
  state: string | null;
  /** Since when the outcome of a write has been unknown, in milliseconds since 1970; null when there is none such. */
  unknownSince: number | null;
}

export interface UserPins {
  get(user: User): Pin | undefined;
  set(user: User, pin: Pin): void;
}

export function makeUserPins(): UserPins {
  const pins = new Map<string, Pin>();
  return { get: (user) => pins.get(userKey(user)), set: (user, pin) => void pins.set(userKey(user), pin) };
}
