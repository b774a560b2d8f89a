import type { UserState } from '../../judge/state.ts';
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
      for (const codes of codesOf(state)) for (const code of codes) findings.set(code, (findings.get(code) ?? 0) + 1);
    },
    summary: () => ({ users, certificates, bytes, findings: Object.fromEntries([...findings].sort(byCode)) }),
  };
}

export function hasFindings(audited: Audited): boolean {
  if (audited.kind === 'unread') return false;
  for (const codes of codesOf(audited.state)) if (codes.length > 0) return true;
  return false;
}

/** The findings about an object, then those about each of its certificates. */
function* codesOf(state: UserState): Generator<readonly string[]> {
  yield state.findings;
  if (state.kind === 'decoded') for (const { findings } of state.entries) yield findings;
}

function byCode([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}
