import { toHex } from '../../blob/digest.ts';
import type { Pair } from '../../blob/pair.ts';
import type { Listed, Listing, ObjectKind, Scope, Survey } from '../../directory/directory.ts';
import { ofShard, type Shard } from '../../directory/shard.ts';
import type { MsmqCertError } from '../../errors.ts';
import { type Machines, machineRegister } from '../../judge/machines.ts';
import { assess, type Criteria, type Registered, type UserState } from '../../judge/state.ts';
import { readAhead } from './read-ahead.ts';
import { type SharedDigests, sharedDigests } from './shared.ts';

export interface AuditRequest {
  scope: Scope;
  /** Only these users are judged; null for all. */
  shard: Shard | null;
  criteria: Criteria;
  /** A machine that has not logged on for longer than this many milliseconds is `machine-inactive`. */
  machineInactiveMs: number;
}

/** Blobs held while the surroundings are read, in bytes. */
const READ_AHEAD_BYTES = 16 * 1024 * 1024;

/** One object of an audit, in the order of the directory. */
export type Audited =
  | { kind: 'judged'; objectKind: ObjectKind; state: UserState }
  | { kind: 'unread'; name: string; error: MsmqCertError };

export interface Audit {
  /** What could not be checked, one sentence each. */
  notes: string[];
  objects: AsyncIterable<Audited>;
}

/**
 * Judges every object of a scope by its own pair and by what surrounds it: computer accounts, and digests of other
 * objects, which must be known first. Holds a few objects at a time, and for all others what {@link sharedDigests} and
 * {@link machineRegister} hold.
 * @throws MsmqCertError for whatever keeps the directory from being read; an object that cannot be read is `unread`
 */
export async function audit(directory: Listing, request: AuditRequest): Promise<Audit> {
  const { criteria, machineInactiveMs } = request;
  const { reach, surroundings } = await directory.survey('computers-and-digests');
  const everybody = directory.users(request.scope);
  const users = request.shard === null ? everybody : ofShard(everybody, request.shard);
  // A server answers both at a time; a file would only be read twice as often.
  const listed = reach.kind === 'file' ? users : readAhead(users, bytesOf, READ_AHEAD_BYTES);
  const machines = machineRegister(reach, { now: criteria.now, machineInactiveMs });
  const digests = sharedDigests();
  for await (const found of surroundings) {
    if (found.kind === 'computer') machines.add(found.computer);
    if (found.kind === 'digests') digests.add(found.digests);
  }
  const notes = notesOn(reach, machines.size);
  return { notes, objects: judged(listed, { ...criteria, computers: machines }, machines, digests) };
}

function bytesOf(listed: Listed): number {
  return listed.kind === 'read' ? (listed.pair.blob?.length ?? 0) : 0;
}

function notesOn(reach: Survey['reach'], computers: number): string[] {
  const notes: string[] = [];
  if (reach.kind === 'domain' && !reach.isWholeForest) {
    notes.push(
      `no global catalog was reachable: digest-shared was checked within ${reach.dnsName} only, and machine-gone only for machines named with that domain`,
    );
  }
  if (computers === 0) notes.push('no computer account was found: the machines of certificates were not checked');
  return notes;
}

async function* judged(
  objects: AsyncIterable<Listed>,
  criteria: Criteria,
  machines: Machines,
  digests: SharedDigests,
): AsyncGenerator<Audited> {
  for await (const listed of objects) {
    yield listed.kind === 'unread' ? listed : judge(listed, criteria, machines, digests);
  }
}

function judge(
  { user, objectKind, pair, legacy }: Extract<Listed, { kind: 'read' }>,
  criteria: Criteria,
  machines: Machines,
  digests: SharedDigests,
): Audited {
  const state = assess(user, pair, criteria);
  if (state.kind === 'decoded') for (const registered of state.entries) markMachine(registered, machines);
  markShared(state, sharedIn(pair, digests));
  if (legacy) state.findings.push('legacy-attributes');
  return { kind: 'judged', objectKind, state };
}

function markMachine(registered: Registered, machines: Machines): void {
  const finding = machines.judge(registered);
  if (finding !== null) registered.findings.push(finding);
}

function sharedIn(pair: Pair, digests: SharedDigests): Set<string> {
  return new Set(pair.digests.filter((digest) => digests.has(digest)).map(toHex));
}

/** On the certificate with that digest, and on the user where there is no such certificate. */
function markShared(state: UserState, shared: Set<string>): void {
  if (shared.size === 0) return;
  for (const { md5, digest, findings } of state.kind === 'decoded' ? state.entries : []) {
    const owned = [md5, digest].filter((each) => shared.delete(each));
    if (owned.length > 0) findings.push('digest-shared');
  }
  if (shared.size > 0) state.findings.push('digest-shared');
}
