import type { ReportedUser } from '../inspect/audit/report.ts';

/** One user with what the table sorts and searches by. */
export interface Row {
  user: ReportedUser;
  /** How often each finding occurs, on the user and on its certificates. */
  findings: ReadonlyMap<string, number>;
  /** How many certificates have each finding. */
  certificateFindings: ReadonlyMap<string, number>;
  findingCount: number;
  /** The earliest end of a certificate's validity, as an ISO instant; null without certificates. */
  firstExpiry: string | null;
  /** Everything that the search looks into, in lower case. */
  searchable: string;
}

export const sortKeys = ['user', 'certificates', 'size', 'expiry', 'findings'] as const;
export type SortKey = (typeof sortKeys)[number];
export type Direction = 'ascending' | 'descending';

export interface Selection {
  search: string;
  /** Only users with this finding; empty for all. */
  finding: string;
  sortedBy: SortKey;
  direction: Direction;
}

/** The rows of these users, by name: that is the order that {@link select} leaves equal rows in. */
export function rowsOf(users: readonly ReportedUser[]): Row[] {
  return users.map(rowOf).sort((a, b) => names.compare(a.user.user, b.user.user));
}

function rowOf(user: ReportedUser): Row {
  const ofCertificates = user.certificates.flatMap(({ findings }) => findings);
  const findings = tally([...user.findings, ...ofCertificates]);
  return {
    user,
    findings,
    certificateFindings: tally(ofCertificates),
    findingCount: [...findings.values()].reduce((sum, count) => sum + count, 0),
    firstExpiry: earliest(user.certificates.map(({ notAfter }) => notAfter)),
    searchable: searchableText(user),
  };
}

function tally(codes: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

function earliest(instants: readonly (string | null)[]): string | null {
  return instants.reduce((first, each) => (each !== null && (first === null || each < first) ? each : first), null);
}

function searchableText({ user, dn, sid, certificates, orphanDigests }: ReportedUser): string {
  const parts: (string | null)[] = [user, dn, sid, ...orphanDigests];
  for (const { digest, identifier, machine, subject } of certificates) parts.push(digest, identifier, machine, subject);
  return parts.join('\n').toLowerCase();
}

/** Of rows by name those that match every word searched for, in order. */
export function select(rows: readonly Row[], { search, finding, sortedBy, direction }: Selection): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = rows.filter(
    (row) => (finding === '' || row.findings.has(finding)) && words.every((word) => row.searchable.includes(word)),
  );
  if (sortedBy === 'user') return direction === 'ascending' ? matches : matches.reverse();
  const by = values[sortedBy];
  const sign = direction === 'ascending' ? 1 : -1;
  return matches.sort((a, b) => sign * (by(a) - by(b)));
}

const names = new Intl.Collator('en', { numeric: true });

const values: Record<Exclude<SortKey, 'user'>, (row: Row) => number> = {
  certificates: ({ user }) => user.certificates.length,
  size: ({ user }) => user.blobBytes,
  expiry: endOf,
  findings: ({ findingCount }) => findingCount,
};

/** Users without certificates come after all others. */
function endOf({ firstExpiry }: Row): number {
  return firstExpiry === null ? Number.MAX_SAFE_INTEGER : Date.parse(firstExpiry);
}
