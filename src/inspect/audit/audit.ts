import { setImmediate as othersTurn } from 'node:timers/promises';
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

/** Blobs held while the surroundings are read, in bytes, and how many of them are judged meanwhile, which takes more. */
const READ_AHEAD_BYTES = 16 * 1024 * 1024;
const JUDGED_AHEAD_BYTES = 2 * 1024 * 1024;

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
  const machines = machineRegister(reach, { now: criteria.now, machineInactiveMs });
  const digests = sharedDigests();
  const progress: Surveyed = { computers: Promise.withResolvers(), isOver: false };
  // A server answers both at a time; a file would only be read twice as often.
  const ahead = reach.kind !== 'file';
  const everybody = directory.users(request.scope);
  const users = request.shard === null ? everybody : ofShard(everybody, request.shard);
  const listed = ahead ? readAhead(users, blobBytesOf, READ_AHEAD_BYTES) : users;
  const assessed = assessedIn(listed, { ...criteria, computers: machines }, machines, progress);
  const objects = ahead ? readAhead(assessed, blobBytesOf, JUDGED_AHEAD_BYTES) : assessed;
  for await (const found of surroundings) {
    if (found.kind === 'computer') machines.add(found.computer);
    if (found.kind === 'computers-end') progress.computers.resolve();
    if (found.kind === 'digests') digests.add(found.digests);
  }
  progress.computers.resolve();
  progress.isOver = true;
  return { notes: notesOn(reach, machines.size), objects: judged(objects, digests) };
}

/** How much of the surroundings is known. */
interface Surveyed {
  computers: PromiseWithResolvers<void>;
  isOver: boolean;
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

type Read = Extract<Listed, { kind: 'read' }>;
type Unread = Extract<Listed, { kind: 'unread' }>;

/** An object judged by all but the digests of others. */
interface Assessed extends Read {
  state: UserState;
}

async function* assessedIn(
  objects: AsyncIterable<Listed>,
  criteria: Criteria,
  machines: Machines,
  surveyed: Surveyed,
): AsyncGenerator<Assessed | Unread> {
  for await (const listed of objects) {
    await surveyed.computers.promise;
    yield listed.kind === 'unread' ? listed : { ...listed, state: assessedBy(listed, criteria, machines) };
    // What the survey waits for comes first.
    if (!surveyed.isOver) await othersTurn();
  }
}

function assessedBy({ user, pair }: Read, criteria: Criteria, machines: Machines): UserState {
  const state = assess(user, pair, criteria);
  if (state.kind === 'decoded') for (const registered of state.entries) markMachine(registered, machines);
  return state;
}

function blobBytesOf(listed: Listed): number {
  return listed.kind === 'read' ? (listed.pair.blob?.length ?? 0) : 0;
}

async function* judged(objects: AsyncIterable<Assessed | Unread>, digests: SharedDigests): AsyncGenerator<Audited> {
  for await (const assessed of objects) yield assessed.kind === 'unread' ? assessed : judge(assessed, digests);
}

function judge({ objectKind, pair, legacy, state }: Assessed, digests: SharedDigests): Audited {
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
