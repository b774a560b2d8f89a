import { counted } from './format.ts';
import type { Row } from './rows.ts';

export interface FindingCount {
  code: string;
  /** Certificates that have it; 0 for what is only said about users. */
  certificates: number;
  /** Users that have it themselves or on one of their certificates. */
  users: number;
  /** What helps against it, each command once. */
  commands: readonly string[];
  /** Where to read on where no command can decide, null when there is a command for every one. */
  section: string | null;
}

/** Every finding with what it was found on, the most frequent first. */
export function findingCounts(rows: readonly Row[]): FindingCount[] {
  const codes = new Set(rows.flatMap(({ findings }) => [...findings.keys()]));
  return [...codes]
    .map((code) =>
      countOf(
        code,
        rows.filter(({ findings }) => findings.has(code)),
      ),
    )
    .toSorted((a, b) => b.certificates + b.users - (a.certificates + a.users) || (a.code < b.code ? -1 : 1));
}

function countOf(code: string, rows: readonly Row[]): FindingCount {
  const remedies = rows.flatMap(({ user }) => user.remedies).filter(({ findings }) => findings.includes(code));
  return {
    code,
    certificates: rows.reduce((sum, { certificateFindings }) => sum + (certificateFindings.get(code) ?? 0), 0),
    users: rows.length,
    commands: [...new Set(remedies.flatMap((remedy) => (remedy.kind === 'run' ? [remedy.command] : [])))],
    section: remedies.flatMap((remedy) => (remedy.kind === 'read' ? [remedy.section] : []))[0] ?? null,
  };
}

/** `12 certificates of 5 users`, or `5 users`. */
export function foundOn({ certificates, users }: Pick<FindingCount, 'certificates' | 'users'>): string {
  const owners = counted(users, 'user');
  return certificates === 0 ? owners : `${counted(certificates, 'certificate')} of ${owners}`;
}
