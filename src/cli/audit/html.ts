import { MAX_BLOB_BYTES } from '../../blob/codec.ts';
import type { AuditReport, Remedy, ReportedUser } from '../../inspect/audit/report.ts';
import type { FindingCode, UserState } from '../../judge/state.ts';
import { packageVersion } from '../package-root.ts';
import { auditedJson, errorsOf } from './json.ts';
import { type Advice, adviser, decisive, type Measure } from './remedies.ts';
import type { AuditSettings } from './settings.ts';
import type { AuditHead, AuditSink } from './sink.ts';

/** Gathers every user with a certificate or a finding, and writes the report when all are there. */
export function htmlSink(file: string, settings: AuditSettings, head: AuditHead): AuditSink {
  const users: ReportedUser[] = [];
  const errors: AuditReport['errors'][number][] = [];
  let usersRead = 0;
  return {
    async add(audited) {
      const unread = errorsOf(audited);
      errors.push(...unread);
      if (unread.length === 0) usersRead++;
      if (audited.kind === 'unread') return;
      const user = auditedJson(audited);
      if (user.certificates.length + user.findings.length === 0) return;
      users.push({ ...user, remedies: remediesFor(audited.state, settings) });
    },
    async end(summary, failure) {
      if (failure !== null) return;
      const { writeHtmlReport } = await import('./html-report.ts');
      const report: AuditReport = {
        generatedAt: head.at.toISOString(),
        origin: originOf(settings, head, usersRead),
        criteria: criteriaOf(settings),
        summary,
        notes: head.notes,
        users,
        errors,
        expiryByMonth: expiryByMonth(users),
      };
      await writeHtmlReport(report, file);
    },
  };
}

function originOf(
  settings: AuditSettings,
  { directory, provenance }: AuditHead,
  usersRead: number,
): AuditReport['origin'] {
  return {
    directory,
    baseDn: provenance.baseDn ?? settings.baseDn ?? null,
    account: provenance.account,
    scope: scopeText(settings.scope),
    toolVersion: packageVersion(),
    usersRead,
  };
}

function scopeText(scope: AuditSettings['scope']): string {
  if (scope.kind === 'named') return 'the users named in a list';
  const kinds = [...scope.include].filter((kind) => kind !== 'user').map((kind) => `${kind.replaceAll('-', ' ')}s`);
  const every = ['every user', ...kinds].join(', ');
  return scope.filter === null ? every : `${every}, of those that match ${scope.filter}`;
}

function criteriaOf(settings: AuditSettings): AuditReport['criteria'] {
  return {
    maxCertificates: settings.maxCertificates,
    maxBlobBytes: MAX_BLOB_BYTES,
    expiringWithinMs: settings.expiringWithin,
    machineInactiveMs: settings.machineInactive,
  };
}

function expiryByMonth(users: readonly ReportedUser[]): AuditReport['expiryByMonth'] {
  const months = new Map<string, number>();
  for (const { notAfter } of users.flatMap(({ certificates }) => certificates)) {
    const month = notAfter?.slice(0, 'YYYY-MM'.length);
    if (month !== undefined) months.set(month, (months.get(month) ?? 0) + 1);
  }
  return [...months].sort(([a], [b]) => (a < b ? -1 : 1)).map(([month, count]) => ({ month, count }));
}

/** What helps a user, each command once, with the findings that it is for. */
function remediesFor(state: UserState, measure: Measure): Remedy[] {
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
