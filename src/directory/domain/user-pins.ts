import { hash } from 'node:crypto';
import type { Pair } from '../../blob/pair.ts';
import type { User } from '../directory.ts';
import type { Server } from './server-roster.ts';

/**
 * Where a user was read and written, and how he must look for another server to take over. Domain controllers tell each
 * other of a change minutes later, so a server that shows anything else may not know the last write yet: to go on there
 * would lose it (specification §7).
 */
export interface Pin {
  server: Server;
  /** The state that the server has shown, or was left with: see {@link fingerprint}. Null when nobody knows it. */
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
  const key = ({ guid, dn }: User) => guid ?? dn.toLowerCase();
  return { get: (user) => pins.get(key(user)), set: (user, pin) => void pins.set(key(user), pin) };
}

/** Equal for two pairs with the same blob and the same digests in whatever order. */
export function fingerprint({ blob, digests }: Pair): string {
  const sorted = digests.map((digest) => Buffer.from(digest).toString('hex')).sort();
  return hash('sha256', [blob === null ? 'absent' : hash('sha256', blob), ...sorted].join(' '));
}
