import type { Audited } from '../../inspect/audit/audit.ts';
import type { AuditSummary } from '../../inspect/audit/report.ts';
import type { Registered } from '../../judge/state.ts';
import { harmless, tell, tellError } from '../output.ts';
import { colours } from '../render/colours.ts';
import { machineText } from '../render/machine.ts';
import { table } from '../render/table.ts';
import { adviceFor, type Durations } from './remedies.ts';
import type { AuditSettings } from './settings.ts';
import { type AuditHead, type AuditSink, isShown } from './sink.ts';
import { writeText } from './text-stream.ts';

type Judged = Extract<Audited, { kind: 'judged' }>;

/** For people: a paragraph for each user, then the totals. */
export function textSink(settings: AuditSettings, { notes }: AuditHead): AuditSink {
  return {
    async add(audited) {
      if (audited.kind === 'unread') return tellError(audited.error, harmless(audited.name));
      if (!settings.quiet && isShown(audited, settings))
        await writeText(process.stdout, `${paragraph(audited, settings)}\n\n`);
    },
    async end(summary) {
      const lines: string[] = [];
      if (!settings.quiet) tellSummary(summary, notes, (line) => lines.push(line));
      if (lines.length > 0) await writeText(process.stdout, `${lines.join('\n')}\n`);
    },
  };
}

function paragraph({ state, objectKind }: Judged, durations: Durations): string {
  const { user, pair, findings } = state;
  const entries = state.kind === 'decoded' ? state.entries : [];
  const mark = objectKind === 'user' ? '' : ` (${objectKind.replaceAll('-', ' ')})`;
  const about = findings.length === 0 ? '' : `  ${colours.yellow(findings.join(', '))}`;
  const certificates = entries.length === 1 ? 'certificate' : 'certificates';
  return [
    `${colours.bold(harmless(user.account))}${mark}  ${entries.length} ${certificates}, ${pair.blob?.length ?? 0} bytes${about}`,
    ...(state.kind === 'malformed' ? [`  ${harmless(state.error.message)}`] : []),
    ...entries.filter(({ findings }) => findings.length > 0).map(certificateLine),
    ...(state.kind === 'decoded' ? state.orphanDigests : []).map(
      (digest) => `  ${digest}  no certificate has this digest`,
    ),
    ...adviceFor(state, durations).map((line) => `  ${line}`),
  ].join('\n');
}

function certificateLine(registered: Registered): string {
  const { digest, facts, findings } = registered;
  const until = facts.kind === 'certificate' ? `until ${facts.notAfter.toISOString().replace(/T.*/, '')}` : '-';
  return `  ${digest}  ${machineText(registered)}  ${until}  ${colours.yellow(findings.join(', '))}`;
}

/** The totals, one line at a time. */
export function tellSummary(summary: AuditSummary, notes: readonly string[], say: (line: string) => void): void {
  const { users, certificates, bytes, findings } = summary;
  const found = Object.entries(findings);
  const nothing = found.length === 0 ? `, ${colours.green('nothing found')}` : '';
  say(`${users} users, ${certificates} certificates, ${bytes} bytes${nothing}`);
  if (found.length > 0) say(table(found.map(([code, count]) => [`  ${code}`, String(count)])));
  for (const note of notes) tell(`note: ${harmless(note)}`);
}
