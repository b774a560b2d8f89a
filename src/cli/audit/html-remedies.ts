import type { Remedy } from '../../inspect/audit/report.ts';
import type { FindingCode, UserState } from '../../judge/state.ts';
import { adviceOn, type Durations, decisive } from './remedies.ts';

/** What helps a user, each command once, with the findings that it is for. */
export function remediesFor(state: UserState, durations: Durations): Remedy[] {
  const entries = state.kind === 'decoded' ? state.entries : [];
  const codesByAdvice = new Map<string, Set<string>>();
  const note = (advice: string, codes: readonly string[]) => {
    codesByAdvice.set(advice, (codesByAdvice.get(advice) ?? new Set()).union(new Set(codes)));
  };
  for (const code of state.findings) note(adviceOn(code, state.user, null, durations), [code]);
  for (const entry of entries) {
    const decided: FindingCode[] = decisive(entry);
    // A certificate that is to go takes all of its findings with it.
    const helped = (code: FindingCode) => (decided.length < entry.findings.length ? entry.findings : [code]);
    for (const code of decided) note(adviceOn(code, state.user, entry, durations), helped(code));
  }
  return [...codesByAdvice].map(([advice, codes]) => remedyOf(advice, [...codes]));
}

/** The one place that takes apart what {@link adviceOn} says; the command in it is quoted there. */
function remedyOf(advice: string, findings: readonly string[]): Remedy {
  const command = /^run: (.*)$/s.exec(advice)?.[1];
  if (command !== undefined) return { kind: 'run', command, findings };
  return { kind: 'read', section: advice.replace(/^see: /, ''), findings };
}
