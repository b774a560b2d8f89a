import type { Shard } from '../../shard.ts';
import type { ActiveDirectory } from '../active-directory.ts';
import { type Caller, readCaller } from '../rights/caller.ts';
import { type Delegation, delegationFor } from '../rights/delegation.ts';
import { failure, ok, type Report } from './checks.ts';
import { type CheckTarget, checkConnection } from './connection.ts';
import { checkServer, identityOf } from './server.ts';
import { checkUser } from './users.ts';

export interface CheckRequest {
  users: readonly string[];
  /** Only these of them; null for all. */
  shard: Shard | null;
  /** Certificates that fit on one user. */
  maxCertificates: number;
  /** Whom to give the right to write, and below which container; null: nobody. */
  delegation: { group: string; ou: string } | null;
}

/**
 * Checks everything that registering depends on, and changes nothing. Each check is reported when it is made; one that
 * cannot be made, as an earlier one failed, is not reported.
 * @returns how to delegate, when that was asked for and could be told
 */
export async function check(target: CheckTarget, request: CheckRequest, report: Report): Promise<Delegation | null> {
  const directory = await checkConnection(target, report);
  if (directory === null) return null;
  try {
    const caller = await checkIdentity(directory, report);
    await checkServer(directory, report);
    for (const name of request.users) await checkUser(directory, caller, name, request, report);
    return request.delegation === null ? null : await delegate(directory, request.delegation, report);
  } finally {
    await directory.close();
  }
}

async function checkIdentity(directory: ActiveDirectory, report: Report): Promise<Caller> {
  try {
    const caller = await readCaller(directory);
    report({ name: 'identity', ...identityOf(caller) });
    return caller;
  } catch (error) {
    report({ name: 'identity', ...failure(error) });
    return { account: null, sids: [] };
  }
}

async function delegate(
  directory: ActiveDirectory,
  { group, ou }: NonNullable<CheckRequest['delegation']>,
  report: Report,
): Promise<Delegation | null> {
  try {
    const delegation = await delegationFor(directory, group, ou);
    report({ name: 'delegation', ...ok(`${delegation.trustee} is ${delegation.sid}; nothing was granted yet`) });
    return delegation;
  } catch (error) {
    report({ name: 'delegation', ...failure(error) });
    return null;
  }
}
