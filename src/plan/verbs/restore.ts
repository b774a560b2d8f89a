import { createReadStream } from 'node:fs';
import { type Pair, samePair } from '../../blob/pair.ts';
import type { User } from '../../directory/directory.ts';
import { saysEmpty } from '../../directory/ldif/entry.ts';
import { type LdifRecord, parseRecord } from '../../directory/ldif/ldif.ts';
import { type Block, blocks, notRead } from '../../directory/ldif/lines.ts';
import { pairIn, userIn } from '../../directory/ldif/users.ts';
import { dnKey } from '../../directory/names.ts';
import { MsmqCertError } from '../../errors.ts';
import { assess, type Criteria, type UserState } from '../../judge/state.ts';
import type { Planner, UserPlan } from '../plan.ts';
import { planPair } from '../plan-pair.ts';

/** What a backup says of one user. */
export interface Saved {
  /** Names by which a directory knows the user, the one that lasts longest first. */
  names: string[];
  pair: Pair;
  /** What the file has no value of without saying that there was none: an export may have left it out. */
  missing: 'nothing' | 'digests' | 'blob' | 'both';
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
    for await (const block of blocks(createReadStream(file), file)) {
      const record = parseRecord(block, { source: file });
      const found = record && userIn(record, file);
      if (record === null || found === null) continue;
      const { sid, guid, dn } = found.user;
      const saved = { names: [...(sid === null ? [] : [sid]), dn], ...savedIn(record, block, file) };
      users.push(saved);
      for (const key of keysOf({ sid, guid, dn })) byName.set(key, saved);
    }
  } catch (error) {
    throw notRead(file, error);
  }
  trustEmptyRecords(users);
  return {
    users,
    find(user) {
      const key = keysOf(user).find((each) => byName.has(each));
      return key === undefined ? null : (byName.get(key) ?? null);
    },
  };
}

function savedIn(record: LdifRecord, block: Block, file: string): Pick<Saved, 'pair' | 'missing'> {
  const pair = pairIn(record, file);
  const noBlob = pair.blob === null && !saysEmpty(block, 'mSMQSignCertificates');
  const noDigests = pair.digests.length === 0 && !saysEmpty(block, 'mSMQDigests');
  if (noBlob && noDigests) return { pair, missing: 'both' };
  return { pair, missing: noBlob ? 'blob' : noDigests ? 'digests' : 'nothing' };
}

/** An export that holds both attributes of somebody would hold them of everybody who had them. */
function trustEmptyRecords(users: readonly Saved[]): void {
  if (!users.some(({ missing }) => missing === 'nothing')) return;
  for (const saved of users) if (saved.missing === 'both') saved.missing = 'nothing';
}

/** What survives a renaming comes first. */
function keysOf({ guid, sid, dn }: Pick<User, 'guid' | 'sid' | 'dn'>): string[] {
  return [
    ...(guid === null ? [] : [`guid:${guid.toLowerCase()}`]),
    ...(sid === null ? [] : [`sid:${sid.toUpperCase()}`]),
    `dn:${dnKey(dn)}`,
  ];
}

/**
 * Makes a user's pair what a backup holds, byte for byte; digests that an export left out are made from its
 * certificates. What was registered since is only dropped when confirmed.
 */
export function restorePlanner(backup: Backup, file: string, confirmed: boolean, criteria: Criteria): Planner {
  return (state) => {
    const saved = backup.find(state.user);
    if (saved === null) throw notInBackup(state.user, file);
    const { pair, note } = whatToRestore(saved, state, file, criteria);
    const plan = planPair(state, pair, criteria, 'restored');
    return { ...plan, notes: note === null ? [] : [note], refusal: confirmed ? null : refusalOf(plan) };
  };
}

/** @throws MsmqCertError incomplete-backup when the file cannot tell */
function whatToRestore(
  { pair, missing }: Saved,
  { user, pair: now }: UserState,
  file: string,
  criteria: Criteria,
): { pair: Pair; note: string | null } {
  if (missing === 'nothing' || samePair(pair, now)) return { pair, note: null };
  if (missing === 'digests') {
    const saved = assess(user, pair, criteria);
    if (saved.kind === 'malformed') throw incomplete(user, file, 'mSMQDigests');
    return {
      pair: {
        blob: pair.blob,
        digests: [...new Set(saved.entries.map(({ md5 }) => md5))].map((md5) => Buffer.from(md5, 'hex')),
      },
      note: `the file has no mSMQDigests of ${user.account}: they are made from the certificates that it has`,
    };
  }
  throw incomplete(user, file, missing === 'blob' ? 'mSMQSignCertificates' : 'mSMQSignCertificates and no mSMQDigests');
}

/** A digest that goes without a certificate of its own counts too: receivers find the user by it. */
function refusalOf({ user, items, digests }: UserPlan): MsmqCertError | null {
  const certificates = items.filter(({ action }) => action === 'delete').length;
  const bare = digests.filter(({ action }) => action === 'delete').length;
  if (certificates + bare === 0) return null;
  const what = [counted(certificates, 'certificate'), counted(bare, 'digest')].filter((text) => text !== '');
  const message = `${what.join(' and ')} of ${user.account} that the backup does not hold would go`;
  return new MsmqCertError('confirmation-needed', message, {
    hint: '--dry-run shows which, --yes goes ahead, and msmq-cert undo puts them back',
  });
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}

function incomplete({ account }: User, file: string, what: string): MsmqCertError {
  return new MsmqCertError('incomplete-backup', `the file ${file} has no ${what} of ${account}`, {
    hint: 'it looks like an export without them; restore from a file that has both attributes, as msmq-cert backup writes it',
  });
}

function notInBackup({ account }: User, file: string): MsmqCertError {
  return new MsmqCertError('user-not-found', `the backup ${file} does not hold ${account}`, {
    hint: 'name a user whom it holds, or none for all of them',
  });
}
