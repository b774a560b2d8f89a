import type { UserJson } from '../inspect/audit/report.ts';

/** One user with what the table sorts and searches by. */
export interface Row {
  user: UserJson;
  /** How often each finding occurs, on the user and on its certificates. */
  findings: ReadonlyMap<string, number>;
  findingCount: number;
  /** The earliest end of a certificate's validity, as an ISO instant; null without certificates. */
  firstExpiry: string | null;
  /** Everything that the search looks into, in lower case. */
  searchable: string;
}

export type SortKey = 'user' | 'certificates' | 'size' | 'expiry' | 'findings';
export type Direction = 'ascending' | 'descending';

export interface Selection {
  search: string;
  /** Only users with this finding; empty for all. */
  finding: string;
  sortedBy: SortKey;
  direction: Direction;
}

export function rowOf(user: UserJson): Row {
  const findings = findingsOf(user);
  return {
    user,
    findings,
    findingCount: [...findings.values()].reduce((sum, count) => sum + count, 0),
    firstExpiry: earliest(user.certificates.map(({ notAfter }) => notAfter)),
    searchable: searchableText(user),
  };
}

function findingsOf({ findings, certificates }: UserJson): Map<string, number> {
  const counts = new Map<string, number>();
  for (const code of [...findings, ...certificates.flatMap((each) => each.findings)]) {
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}

function earliest(instants: readonly (string | null)[]): string | null {
  return instants.reduce((first, each) => (each !== null && (first === null || each < first) ? each : first), null);
}

function searchableText({ user, dn, sid, certificates, orphanDigests }: UserJson): string {
  const parts: (string | null)[] = [user, dn, sid, ...orphanDigests];
  for (const { digest, identifier, machine, subject } of certificates) parts.push(digest, identifier, machine, subject);
  return parts.join('\n').toLowerCase();
}

/** The rows that match every word searched for, in order; rows that are equal in it follow by name. */
export function select(rows: readonly Row[], { search, finding, sortedBy, direction }: Selection): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = rows.filter(
    (row) => (finding === '' || row.findings.has(finding)) && words.every((word) => row.searchable.includes(word)),
  );
  const sign = direction === 'ascending' ? 1 : -1;
  const compare = orders[sortedBy];
  return matches.sort((a, b) => sign * compare(a, b) || byName(a, b));
}

const names = new Intl.Collator('en', { numeric: true });
const byName = (a: Row, b: Row) => names.compare(a.user.user, b.user.user);

const orders: Record<SortKey, (a: Row, b: Row) => number> = {
  user: byName,
  certificates: (a, b) => a.user.certificates.length - b.user.certificates.length,
  size: (a, b) => a.user.blobBytes - b.user.blobBytes,
  expiry: (a, b) => endOf(a) - endOf(b),
  findings: (a, b) => a.findingCount - b.findingCount,
};

/** Users without certificates come after all others. */
function endOf({ firstExpiry }: Row): number {
  return firstExpiry === null ? Number.MAX_SAFE_INTEGER : Date.parse(firstExpiry);
}
