import type { RelativeName } from '../certificate/names.ts';
import { type Owner, readSubject, type SubjectTemplate } from '../certificate/subject.ts';
import type { CertificateFacts } from '../certificate/x509/describe.ts';
import type { Computer, User } from '../directory/directory.ts';
import { parseDn } from '../directory/names.ts';

/** What says which machine a certificate is for, the strongest first. */
export type Evidence =
  /** The person who runs this. */
  | 'stated'
  /** The subject follows one of the conventions by which this tool names account and machine. */
  | 'subject'
  /** A name in subject or issuer is that of exactly one computer account (specification §9). */
  | 'computer-account';

export interface Recognition {
  account: string | null;
  /** Null when it is not certain. */
  machine: string | null;
  recognisedBy: Evidence | null;
  /** The computers that a certificate names when they are more than one. */
  candidates: string[];
}

/** The computer accounts of a directory, by name. */
export interface KnownComputers {
  /** Those with exactly this name, in lower case; undefined when nobody has looked, which {@link lookUp} does. */
  named(name: string): readonly Computer[] | undefined;
  /** Looks up what was asked for in vain; false when there was nothing such. */
  lookUp(): Promise<boolean>;
}

export interface RecognitionRules {
  /** The subject conventions by which account and machine are read back, tried in order. */
  subjects: SubjectTemplate[];
  /** The machine of the certificate with this digest, as it was stated. */
  stated: Pick<ReadonlyMap<string, string>, 'get'>;
  computers: KnownComputers;
}

/** Nobody is asked for computers: only what is stated and our own subjects count. */
export const noComputers: KnownComputers = { named: () => [], lookUp: async () => false };

/** Whose certificate it is. Pure, but for the names that `computers` notes as not looked up yet. */
export function recognise(
  { facts, md5 }: { facts: CertificateFacts; md5: string },
  user: User,
  { subjects, stated, computers }: RecognitionRules,
): Recognition {
  const owner = facts.kind === 'certificate' ? readSubject(subjects, facts.subject) : null;
  const machine = stated.get(md5);
  if (machine !== undefined) return known({ account: owner?.account ?? null, machine }, 'stated');
  if (owner !== null) return known(owner, 'subject');
  if (facts.kind !== 'certificate') return unknown([]);

  const found = new Map<Computer, string>();
  for (const name of namesIn([...facts.subject, ...facts.issuer], user)) {
    for (const computer of computers.named(name) ?? []) {
      if (!found.has(computer)) found.set(computer, machineName(computer, name));
    }
  }
  const machines = [...found.values()];
  const [only] = machines;
  if (machines.length === 1 && only !== undefined) return known({ account: null, machine: only }, 'computer-account');
  return unknown(distinct([...found.keys()]));
}

function known({ account, machine }: Omit<Owner, 'account'> & { account: string | null }, by: Evidence): Recognition {
  return { account, machine, recognisedBy: by, candidates: [] };
}

function unknown(candidates: string[]): Recognition {
  return { account: null, machine: null, recognisedBy: null, candidates };
}

/** The short name, unless only the DNS name tells this computer from another. */
function machineName({ name, dnsName }: Computer, matched: string): string {
  return dnsName !== null && matched === dnsName.toLowerCase() && matched.includes('.') ? dnsName : name;
}

/** Two computers with one short name are told apart by their DNS names. */
function distinct(computers: readonly Computer[]): string[] {
  const names = computers.map(({ name }) => name.toLowerCase());
  const isUnique = (name: string) => names.filter((each) => each === name.toLowerCase()).length === 1;
  return computers.map(({ name, dnsName }) => (isUnique(name) ? name : (dnsName ?? name))).sort();
}

/** As far as a computer account's name can be: longer words are no names. */
const LONGEST_NAME = 255;
const MOST_NAMES = 100;
const separators = /[\s,;/\\[\]()@:="]+/u;

/**
 * The names that may be those of computers: each value and the words in it, in lower case, without those of the user
 * and its domain, which are in most certificates and may be a computer's too.
 */
export function namesIn(names: readonly RelativeName[], user: User): Set<string> {
  const ofUser = namesOf(user);
  const found = new Set<string>();
  for (const { value } of names.flat()) {
    for (const word of [value, ...value.split(separators)]) {
      const name = word.trim().replace(/\$$/, '').toLowerCase();
      if (name === '' || name.length > LONGEST_NAME || ofUser.has(name) || !isPlausible(name)) continue;
      found.add(name);
      if (found.size === MOST_NAMES) return found;
    }
  }
  return found;
}

/** What no computer's name has is not asked for. */
function isPlausible(name: string): boolean {
  return !/[\p{C}\s\\/:*?"<>|,+=;[\]@]/u.test(name);
}

function namesOf({ account, dn }: User): Set<string> {
  const [domain = '', name = ''] = account.split('\\', 2);
  const parts = parseDn(dn);
  const labels = parts.filter(({ type }) => type === 'dc').map(({ value }) => value);
  const own = parts[0]?.value ?? '';
  const words = [own, ...own.split(separators), domain, name, ...labels, labels.join('.'), 'msmq'];
  return new Set([...words, `${name}@${labels.join('.')}`].map((word) => word.toLowerCase()));
}
