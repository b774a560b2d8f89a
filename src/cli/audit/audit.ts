import type { Command } from 'commander';
import type { Directory, Listing } from '../../directory/directory.ts';
import { type MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { audit as startAudit } from '../../inspect/audit/audit.ts';
import { auditTally } from '../../inspect/audit/tally.ts';
import { openDirectory } from '../access/connect.ts';
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.ts';
import { tellError } from '../output.ts';
import { criteria } from '../runs/policies.ts';
import { auditProgress } from './progress.ts';
import { type AuditSettings, readAuditSettings } from './settings.ts';
import { openSinks } from './sinks.ts';

export async function audit(command: Command): Promise<void> {
  const settings = await readAuditSettings(command);
  const directory = await openForAudit(settings);
  try {
    process.exitCode = await auditThrough(directory, settings);
  } finally {
    await directory.close();
  }
}

/** An LDIF file is gone through without the index of its names, which grows with the users. */
async function openForAudit(settings: AuditSettings): Promise<Directory & Listing> {
  const { directory, domain, baseDn, scope } = settings;
  if (scope.kind === 'named' || !directory?.startsWith('ldif:')) return await openDirectory(settings, 'read');
  const { openLdifFile } = await import('../../directory/ldif/ldif-file.ts');
  const file = directory.slice('ldif:'.length);
  return await openLdifFile(file, { ...(domain && { domain }), ...(baseDn && { baseDn }), index: 'when-needed' });
}

async function auditThrough(directory: Directory & Listing, settings: AuditSettings): Promise<ExitCode> {
  const measure = { ...criteria(settings), expiringWithinMs: settings.expiringWithin };
  const progress = auditProgress(settings);
  try {
    const { notes, objects } = await startAudit(directory, {
      scope: settings.scope,
      criteria: measure,
      machineInactiveMs: settings.machineInactive,
    });
    const tally = auditTally();
    const sinks = await openSinks(settings, { directory: directory.server, at: measure.now, notes });
    let failure: MsmqCertError | null = null;
    let unread = 0;
    try {
      for await (const audited of objects) {
        tally.add(audited);
        progress.read();
        if (audited.kind === 'unread') unread++;
        await sinks.add(audited);
      }
    } catch (error) {
      failure = toMsmqCertError(error);
    }
    progress.stop();
    const summary = tally.summary();
    await sinks.end(summary, failure);
    if (failure !== null) {
      // With --json it stands in the document.
      if (!settings.json) throw failure;
      tellError(failure);
      return exitCodeOf(failure.code);
    }
    const unwanted = [...settings.failOn].some((code) => summary.findings[code] !== undefined);
    return unwanted || unread > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    progress.stop();
  }
}
