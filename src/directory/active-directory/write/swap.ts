import { setTimeout as pause } from 'node:timers/promises';
import { Change as LdapChange } from 'ldapts';
import type { Change, Pair } from '../../../blob/pair.ts';
import { tookEffect } from '../../../blob/registered.ts';
import { MsmqCertError, toMsmqCertError } from '../../../errors.ts';
import type { SwapOutcome, User } from '../../directory.ts';
import { hostAndPort, type LdapAddress } from '../address.ts';
import type { Link } from '../connect/connection.ts';
import { resultCode } from '../errors.ts';
import { rawAttribute } from '../read/raw-attribute.ts';
import { BLOB, DIGESTS } from '../read/search.ts';
import { refusal } from './swap-errors.ts';

/** Domain controllers drop a larger request without an answer (specification §6). */
const MOST_REQUEST_BYTES = 10_485_760;

/** What a swap needs of the directory around it. */
export interface SwapContext {
  link: Link;
  address: LdapAddress;
  /** Reads the pair again, on whatever connection is there by then. */
  reread(user: User): Promise<Pair>;
  /** The DNS name of a domain controller that takes writes, null when it cannot be told. */
  writableServer(): Promise<string | null>;
}

/**
 * One modify, atomic over both attributes, that names the exact bytes it expects (specification §7). No control makes
 * it lenient, nothing is ever replaced.
 * @throws MsmqCertError directory-unreachable when there is no connection, or when the answer was lost and the
 * directory cannot be asked what became of the write
 */
export async function swapPair(context: SwapContext, user: User, before: Pair, change: Change): Promise<SwapOutcome> {
  const changes = changesOf(before, change);
  if (changes.length === 0) return { kind: 'swapped' };
  const target = entryBase(user);
  const size = requestBytes(target, changes);
  if (size > MOST_REQUEST_BYTES) return { kind: 'refused', error: tooLarge(user, size) };
  const { client } = await context.link.connection();
  try {
    await client.modify(target, changes);
    return { kind: 'swapped' };
  } catch (error) {
    if (resultCode(error) !== null) return refusal(context, user, change, error);
    return settleLostReply(() => context.reread(user), { context, user, before, change, cause: error });
  }
}

/** By GUID, so that an entry renamed since it was found is still the one that is read and written. */
export function entryBase(user: User): string {
  return user.guid === null ? user.dn : `<GUID=${user.guid}>`;
}

/** The sections of the modify, in the order of specification §7; those without values are left out. */
export function changesOf(before: Pair, change: Change): LdapChange[] {
  return [
    ...section('delete', BLOB, before.blob === null ? [] : [before.blob]),
    ...section('add', BLOB, change.blob === null ? [] : [change.blob]),
    ...section('delete', DIGESTS, change.digestsToDelete),
    ...section('add', DIGESTS, change.digestsToAdd),
  ];
}

function section(operation: 'add' | 'delete', type: string, values: Uint8Array[]): LdapChange[] {
  return values.length === 0 ? [] : [new LdapChange({ operation, modification: rawAttribute(type, values) })];
}

/** An upper bound: no BER header takes more than six bytes. */
function requestBytes(target: string, changes: LdapChange[]): number {
  const values = changes.flatMap(({ modification }) => [...modification.values, modification.type]);
  return values.reduce((sum, value) => sum + value.length + 6, 100 + target.length + changes.length * 20);
}

function tooLarge(user: User, size: number): MsmqCertError {
  return new MsmqCertError('directory-limit', `the write to ${user.account} would take ${size} bytes`, {
    hint: `a domain controller takes at most ${MOST_REQUEST_BYTES}: remove certificates of this user first`,
  });
}

/** Waits between the attempts to ask again, in milliseconds. */
const RETRY_DELAYS_MS = [0, 250, 1000, 3000];

interface LostReply {
  context: Pick<SwapContext, 'address'>;
  user: User;
  before: Pair;
  change: Change;
  cause: unknown;
}

/** The modify may have been carried out or not: what is there now tells (specification §7). */
export async function settleLostReply(
  reread: () => Promise<Pair>,
  lost: LostReply,
  delaysMs: readonly number[] = RETRY_DELAYS_MS,
): Promise<SwapOutcome> {
  let reason = lost.cause;
  for (const delay of delaysMs) {
    await pause(delay);
    try {
      return { kind: tookEffect(lost.before, lost.change, await reread()) ? 'swapped' : 'conflict' };
    } catch (error) {
      reason = error;
      if (!MAY_PASS.includes(toMsmqCertError(error).code)) break;
    }
  }
  throw outcomeUnknown(lost, reason);
}

const MAY_PASS: readonly string[] = ['directory-unreachable', 'directory-timeout', 'directory-busy'];

function outcomeUnknown({ context, user }: LostReply, cause: unknown): MsmqCertError {
  const at = hostAndPort(context.address);
  return new MsmqCertError(
    'directory-unreachable',
    `the connection to ${at} was lost during the write to ${user.account}, and its outcome is unknown`,
    { hint: 'run the same command again: it recognises what was registered', cause },
  );
}
