import { counted } from '../../counted.ts';
import type { Audited } from '../../inspect/audit/audit.ts';
import type { AuditSummary } from '../../inspect/audit/report.ts';
import type { Registered } from '../../judge/state.ts';
import { tellError } from '../output.ts';
import { colours } from '../render/colours.ts';
import { machineText } from '../render/machine.ts';
import { table } from '../render/table.ts';
import { print, roomToPrint, tell } from '../terminal.ts';
import { adviceFor, type Measure } from './remedies.ts';
import type { AuditSettings } from './settings.ts';
import { type AuditHead, type AuditSink, isShown } from './sink.ts';

type Judged = Extract<Audited, { kind: 'judged' }>;

/** For people: a paragraph for each user, then the totals. */
export function textSink(settings: AuditSettings, { notes }: AuditHead): AuditSink {
  return {
    async add(audited) {
      if (audited.kind === 'unread') return tellError(audited.error, audited.name);
      if (!settings.quiet && isShown(audited, settings)) print([...paragraph(audited, settings), '']);
      await roomToPrint();
    },
    async end(summary) {
      const lines: string[] = [];
      if (!settings.quiet) tellSummary(summary, notes, (line) => lines.push(line));
      print(lines);
    },
  };
}

function paragraph({ state, objectKind }: Judged, measure: Measure): string[] {
  const { user, pair, findings } = state;
  const entries = state.kind === 'decoded' ? state.entries : [];
  const mark = objectKind === 'user' ? '' : ` (${objectKind.replaceAll('-', ' ')})`;
  const about = findings.length === 0 ? '' : `  ${colours.yellow(findings.join(', '))}`;
  const certificates = entries.length === 1 ? 'certificate' : 'certificates';
  return [
    `${colours.bold(user.account)}${mark}  ${entries.length} ${certificates}, ${pair.blob?.length ?? 0} bytes${about}`,
    ...(state.kind === 'malformed' ? [`  ${state.error.message}`] : []),
    ...entries.filter(({ findings }) => findings.length > 0).map(certificateLine),
    ...(state.kind === 'decoded' ? state.orphanDigests : []).map(
      (digest) => `  ${digest}  no certificate has this digest`,
    ),
    ...adviceFor(state, measure).map((line) => `  ${line}`),
  ];
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
  say(`${counted(users, 'user')}, ${counted(certificates, 'certificate')}, ${counted(bytes, 'byte')}${nothing}`);
  if (found.length > 0) for (const line of table(found.map(([code, count]) => [`  ${code}`, String(count)]))) say(line);
  for (const note of notes) tell(`note: ${note}`);
}
