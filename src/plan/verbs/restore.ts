import { createReadStream } from 'node:fs';
import type { Pair } from '../../blob/pair.ts';
import type { User } from '../../directory/directory.ts';
import { readRecords } from '../../directory/ldif/ldif.ts';
import { pairIn, userIn } from '../../directory/ldif/users.ts';
import { dnKey } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import { readError } from '../../files/file-errors.ts';
import type { Criteria } from '../../judge/state.ts';
import type { Planner, UserPlan } from '../plan.ts';
import { planPair } from '../plan-pair.ts';

/** What a backup says of one user. */
export interface Saved {
  /** Names by which a directory knows the user, the one that lasts longest first. */
  names: string[];
  pair: Pair;
}

/** The users of a backup. */
export interface Backup {
  users: readonly Saved[];
  find(user: User): Saved | null;
}

/**
 * Reads a backup: an LDIF file of entries, from `msmq-cert backup` or any other export with both attributes.
 * @throws MsmqCertError file-unreadable, invalid-ldif
 */
export async function readBackup(file: string): Promise<Backup> {
  const users: Saved[] = [];
  const byName = new Map<string, Saved>();
  try {
    for await (const record of readRecords(createReadStream(file), { source: file })) {
      const found = userIn(record, file);
      if (found === null) continue;
      const { sid, guid, dn } = found.user;
      const saved = { names: [...(sid === null ? [] : [sid]), dn], pair: pairIn(record, file) };
      users.push(saved);
      for (const key of keysOf({ sid, guid, dn })) byName.set(key, saved);
    }
  } catch (error) {
    throw readError(file, error);
  }
  return {
    users,
    find(user) {
      const key = keysOf(user).find((each) => byName.has(each));
      return key === undefined ? null : (byName.get(key) ?? null);
    },
  };
}

/** What survives a renaming comes first. */
function keysOf({ guid, sid, dn }: Pick<User, 'guid' | 'sid' | 'dn'>): string[] {
  return [
    ...(guid === null ? [] : [`guid:${guid.toLowerCase()}`]),
    ...(sid === null ? [] : [`sid:${sid.toUpperCase()}`]),
    `dn:${dnKey(dn)}`,
  ];
}

/** Makes a user's pair what a backup holds, byte for byte. What was registered since is only dropped when confirmed. */
export function restorePlanner(backup: Backup, file: string, confirmed: boolean, criteria: Criteria): Planner {
  return (state) => {
    const saved = backup.find(state.user);
    if (saved === null) throw notInBackup(state.user, file);
    const plan = planPair(state, saved.pair, criteria, 'restored');
    return { ...plan, refusal: confirmed ? null : refusalOf(plan) };
  };
}

function refusalOf({ user, items }: UserPlan): MsmqCertError | null {
  const dropped = items.filter(({ action }) => action === 'delete').length;
  if (dropped === 0) return null;
  const what = dropped === 1 ? '1 certificate' : `${dropped} certificates`;
  return new MsmqCertError('confirmation-needed', `${what} of ${user.account} that the backup does not hold would go`, {
    hint: '--dry-run shows which, --yes goes ahead, and msmq-cert undo puts them back',
  });
}

function notInBackup({ account }: User, file: string): MsmqCertError {
  return new MsmqCertError('user-not-found', `the backup ${file} does not hold ${account}`, {
    hint: 'name a user whom it holds, or none for all of them',
  });
}
