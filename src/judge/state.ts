import { type DecodedEntry, MAX_BLOB_BYTES, type MalformedBlobError } from '../blob/codec.ts';
import { toHex } from '../blob/digest.ts';
import { type EntryFinding, type ExaminedEntry, examine } from '../blob/findings.ts';
import type { Pair } from '../blob/pair.ts';
import { machineIndex } from '../certificate/machine.ts';
import { hasOwnExtensions } from '../certificate/own-extensions.ts';
import { type CertificateFacts, describeCertificate } from '../certificate/x509/describe.ts';
import type { User } from '../directory/directory.ts';
import { type Recognition, type RecognitionRules, recognise } from './recognise.ts';

/** What can be said about one certificate from its own bytes and the clock. */
export type CertificateFinding =
  | 'not-a-certificate'
  | 'not-rsa'
  | 'weak-key'
  | 'weak-signature'
  | 'expired'
  | 'expiring'
  | 'not-yet-valid'
  | 'superseded'
  | MachineFinding
  | 'digest-shared';

/** What can be said about the machine of a certificate when the computer accounts are known. */
export type MachineFinding = 'machine-gone' | 'machine-disabled' | 'machine-inactive';

/** What can be said about a user as a whole. */
export type UserFinding =
  | 'malformed-blob'
  | 'digest-orphan'
  | 'digest-shared'
  | 'near-capacity'
  | 'over-capacity'
  | 'legacy-attributes'
  | 'protected-account';

/** Every code of a finding. Scripts depend on these names: add, never rename. */
export const findingCodes = [
  'digest-mismatch',
  'digest-missing',
  'digest-orphan',
  'digest-duplicate',
  'digest-shared',
  'malformed-blob',
  'not-a-certificate',
  'not-rsa',
  'weak-key',
  'weak-signature',
  'expired',
  'expiring',
  'not-yet-valid',
  'superseded',
  'machine-gone',
  'machine-disabled',
  'machine-inactive',
  'near-capacity',
  'over-capacity',
  'legacy-attributes',
  'protected-account',
] as const satisfies readonly (EntryFinding | CertificateFinding | UserFinding)[];

export type FindingCode = (typeof findingCodes)[number];

/** One registered certificate with everything known about it. */
export interface Registered extends Recognition {
  entry: DecodedEntry;
  /** The entry's Digest field, in hex. */
  digest: string;
  /** MD5 of the certificate, in hex; equals `digest` unless the finding `digest-mismatch` is there. */
  md5: string;
  facts: CertificateFacts;
  /** Made by this tool: a certificate of another maker may be one that Windows goes on signing with. */
  isOwnMake: boolean;
  findings: (EntryFinding | CertificateFinding)[];
}

/** A user's pair as it was read, decoded and judged. */
export interface DecodedState {
  kind: 'decoded';
  user: User;
  pair: Pair;
  entries: Registered[];
  orphanDigests: string[];
  findings: UserFinding[];
}

export interface MalformedState {
  kind: 'malformed';
  user: User;
  pair: Pair;
  error: MalformedBlobError;
  findings: UserFinding[];
}

export type UserState = DecodedState | MalformedState;

/** What a judgement depends on besides the pair. */
export interface Criteria extends RecognitionRules {
  now: Date;
  /** A certificate that ends within this many milliseconds is `expiring`. */
  expiringWithinMs: number;
  /** The number of digests that an object can hold (specification §6). */
  maxCertificates: number;
}

/** "Broken": a receiver cannot accept a message signed with such a certificate. */
const BROKEN: ReadonlySet<string> = new Set([
  'digest-mismatch',
  'digest-missing',
  'not-a-certificate',
  'not-rsa',
  'expired',
  'not-yet-valid',
]);

/** From this share of the capacity on, in certificates or in bytes, a user is `near-capacity`. */
export const NEAR_CAPACITY = 0.9;
const WEAK_BELOW_BITS = 2048;
const WEAK_SIGNATURE = /^(md2|md4|md5|sha1)/i;

export function isBroken(registered: Registered): boolean {
  return registered.findings.some((finding) => BROKEN.has(finding));
}

/** As {@link assess}, with the computer accounts that certificates of other makers name looked up. */
export async function assessKnowingly(user: User, pair: Pair, criteria: Criteria): Promise<UserState> {
  const state = assess(user, pair, criteria);
  return (await criteria.computers.lookUp()) ? assess(user, pair, criteria) : state;
}

/** Decodes and judges a pair. Pure: the clock comes in with the criteria. */
export function assess(user: User, pair: Pair, criteria: Criteria): UserState {
  const examination = examine(pair);
  if (examination.kind === 'malformed') {
    return { kind: 'malformed', user, pair, error: examination.error, findings: malformedFindings(user) };
  }
  const entries = examination.entries.map((examined) => register(examined, user, criteria));
  markSuperseded(entries);
  return {
    kind: 'decoded',
    user,
    pair,
    entries,
    orphanDigests: examination.orphanDigests.map(toHex),
    findings: userFindings(user, pair, entries.length, examination.orphanDigests.length, criteria),
  };
}

function register(examined: ExaminedEntry, user: User, criteria: Criteria): Registered {
  const { entry, digest, md5, findings } = examined;
  const facts = describeCertificate(entry.certificate);
  const { account, machine, recognisedBy, candidates } = recognise({ facts, md5 }, user, criteria);
  return {
    entry,
    digest,
    md5,
    account,
    machine,
    recognisedBy,
    candidates,
    facts,
    isOwnMake: account !== null && isSelfSigned(facts) && hasOwnExtensions(entry.certificate),
    findings: [...findings, ...certificateFindings(facts, criteria)],
  };
}

function isSelfSigned(facts: CertificateFacts): boolean {
  return facts.kind === 'certificate' && facts.issuer === facts.subject;
}

function certificateFindings(facts: CertificateFacts, { now, expiringWithinMs }: Criteria): CertificateFinding[] {
  if (facts.kind === 'not-a-certificate') return ['not-a-certificate'];
  const findings: CertificateFinding[] = [];
  if (facts.keyAlgorithm !== 'rsa') findings.push('not-rsa');
  else if (facts.keyBits !== null && facts.keyBits < WEAK_BELOW_BITS) findings.push('weak-key');
  if (WEAK_SIGNATURE.test(facts.signatureAlgorithm)) findings.push('weak-signature');
  const left = facts.notAfter.getTime() - now.getTime();
  if (left < 0) findings.push('expired');
  else if (left <= expiringWithinMs) findings.push('expiring');
  if (facts.notBefore > now) findings.push('not-yet-valid');
  return findings;
}

/** Every entry for whose machine there is a newer sound one. */
function markSuperseded(entries: Registered[]): void {
  for (const group of byMachine(entries)) {
    const distinct = group.entries.filter(({ findings }) => !findings.includes('digest-duplicate'));
    const newest = distinct.findLastIndex((entry) => !isBroken(entry));
    for (const entry of distinct.slice(0, Math.max(0, newest))) entry.findings.push('superseded');
  }
}

export interface MachineGroup {
  machine: string;
  /** Oldest first. */
  entries: Registered[];
}

/** The entries whose machine is known, one group a machine, in the order of their first entry. */
export function byMachine(entries: readonly Registered[]): MachineGroup[] {
  const groups: MachineGroup[] = [];
  const known = machineIndex<MachineGroup>();
  for (const registered of entries) {
    const { machine } = registered;
    if (machine === null) continue;
    const group = known.find(machine);
    if (group !== undefined) {
      group.entries.push(registered);
      continue;
    }
    const fresh = { machine, entries: [registered] };
    groups.push(fresh);
    known.add(machine, fresh);
  }
  for (const group of groups) group.entries.sort((a, b) => startOf(a) - startOf(b));
  return groups;
}

/** When a certificate begins to be valid, in milliseconds since 1970; 0 for what is no certificate. */
export function startOf({ facts }: Registered): number {
  return facts.kind === 'certificate' ? facts.notBefore.getTime() : 0;
}

function userFindings(
  user: User,
  pair: Pair,
  certificates: number,
  orphans: number,
  { maxCertificates }: Criteria,
): UserFinding[] {
  const findings: UserFinding[] = [];
  const bytes = pair.blob?.length ?? 0;
  const taken = Math.max(certificates / maxCertificates, pair.digests.length / maxCertificates, bytes / MAX_BLOB_BYTES);
  if (orphans > 0) findings.push('digest-orphan');
  const capacity = capacityFinding(taken);
  if (capacity !== null) findings.push(capacity);
  if (user.protected && certificates > 0) findings.push('protected-account');
  return findings;
}

/** @param taken which share of the capacity */
export function capacityFinding(taken: number): 'over-capacity' | 'near-capacity' | null {
  if (taken >= 1) return 'over-capacity';
  return taken >= NEAR_CAPACITY ? 'near-capacity' : null;
}

function malformedFindings(user: User): UserFinding[] {
  return user.protected ? ['malformed-blob', 'protected-account'] : ['malformed-blob'];
}
