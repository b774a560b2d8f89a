import { MAX_BLOB_BYTES } from '../../blob/codec.ts';
import type { AuditReport, UserJson } from '../../inspect/audit/report.ts';
import { auditedJson, errorsOf } from './json.ts';
import type { AuditSettings } from './settings.ts';
import type { AuditHead, AuditSink } from './sink.ts';

/** Gathers every user with a certificate or a finding, and writes the report when all are there. */
export function htmlSink(file: string, settings: AuditSettings, head: AuditHead): AuditSink {
  const users: UserJson[] = [];
  const errors: AuditReport['errors'][number][] = [];
  return {
    async add(audited) {
      errors.push(...errorsOf(audited));
      if (audited.kind === 'unread') return;
      const user = auditedJson(audited);
      if (user.certificates.length + user.findings.length > 0) users.push(user);
    },
    async end(summary, failure) {
      if (failure !== null) return;
      const { writeHtmlReport } = await import('./html-report.ts');
      const report: AuditReport = {
        generatedAt: head.at.toISOString(),
        directory: head.directory,
        criteria: criteriaOf(settings),
        summary,
        notes: head.notes,
        users,
        errors,
        expiryByMonth: expiryByMonth(users),
        certificatesPerUser: certificatesPerUser(users),
      };
      await writeHtmlReport(report, file);
    },
  };
}

function criteriaOf(settings: AuditSettings): AuditReport['criteria'] {
  return {
    maxCertificates: settings.maxCertificates,
    maxBlobBytes: MAX_BLOB_BYTES,
    expiringWithinMs: settings.expiringWithin,
    machineInactiveMs: settings.machineInactive,
  };
}

function expiryByMonth(users: readonly UserJson[]): AuditReport['expiryByMonth'] {
  const months = new Map<string, number>();
  for (const { notAfter } of users.flatMap(({ certificates }) => certificates)) {
    const month = notAfter?.slice(0, 'YYYY-MM'.length);
    if (month !== undefined) months.set(month, (months.get(month) ?? 0) + 1);
  }
  return [...months].sort(([a], [b]) => (a < b ? -1 : 1)).map(([month, count]) => ({ month, count }));
}

function certificatesPerUser(users: readonly UserJson[]): AuditReport['certificatesPerUser'] {
  return users
    .map(({ user, certificates }) => ({ user, count: certificates.length }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}
