import { MAX_BLOB_BYTES } from '../../blob/codec.ts';
import type { AuditReport, ReportedUser } from '../../inspect/audit/report.ts';
import { packageVersion } from '../package-root.ts';
import { remediesFor } from './html-remedies.ts';
import { auditedJson, errorsOf } from './json.ts';
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
