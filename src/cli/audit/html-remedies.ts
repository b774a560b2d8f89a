import type { Remedy } from '../../inspect/audit/report.ts';
import type { FindingCode, UserState } from '../../judge/state.ts';
import { type Advice, adviser, decisive, type Measure } from './remedies.ts';

/** What helps a user, each command once, with the findings that it is for. */
export function remediesFor(state: UserState, measure: Measure): Remedy[] {
  const adviceOn = adviser(state, measure);
  const entries = state.kind === 'decoded' ? state.entries : [];
  const noted = new Map<string, { advice: Advice; codes: Set<string> }>();
  const note = (advice: Advice, codes: readonly string[]) => {
    const key = advice.kind === 'run' ? advice.command : advice.what;
    const known = noted.get(key) ?? { advice, codes: new Set<string>() };
    noted.set(key, { advice, codes: known.codes.union(new Set(codes)) });
  };
  for (const code of state.findings) note(adviceOn(code, null), [code]);
  for (const entry of entries) {
    const decided: FindingCode[] = decisive(entry);
    // A certificate that is to go takes all of its findings with it.
    const helped = (code: FindingCode) => (decided.length < entry.findings.length ? entry.findings : [code]);
    for (const code of decided) note(adviceOn(code, entry), helped(code));
  }
  return [...noted.values()].map(({ advice, codes }) => remedyOf(advice, [...codes]));
}

/** What is to be done later is what the next report says. */
function remedyOf(advice: Advice, findings: readonly string[]): Remedy {
  if (advice.kind === 'run') return { kind: 'run', command: advice.command, findings };
  return { kind: 'read', section: `docs/findings.md#${findings[0]}`, findings };
}
