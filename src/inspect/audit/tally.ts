import type { Audited } from './audit.ts';
import type { AuditSummary } from './report.ts';

/** Adds up an audit. */
export interface Tally {
  add(audited: Audited): void;
  summary(): AuditSummary;
}

/** An object that could not be read counts as a user, so that none is missing from the counts. */
export function auditTally(): Tally {
  let [users, certificates, bytes] = [0, 0, 0];
  const findings = new Map<string, number>();
  return {
    add(audited) {
      users++;
      if (audited.kind === 'unread') return;
      const { state } = audited;
      bytes += state.pair.blob?.length ?? 0;
      certificates += state.kind === 'decoded' ? state.entries.length : 0;
      for (const code of codesOf(audited)) findings.set(code, (findings.get(code) ?? 0) + 1);
    },
    summary: () => ({ users, certificates, bytes, findings: Object.fromEntries([...findings].sort(byCode)) }),
  };
}

/** The findings about an object and about each of its certificates. */
export function codesOf(audited: Audited): string[] {
  if (audited.kind === 'unread') return [];
  const { state } = audited;
  return [
    ...state.findings,
    ...(state.kind === 'decoded' ? state.entries.flatMap((registered): string[] => registered.findings) : []),
  ];
}

function byCode([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}
