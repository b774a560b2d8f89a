import type { Command } from 'commander';
import type { Directory, Listing, Provenance } from '../../directory/directory.ts';
import { type MsmqCertError, toMsmqCertError } from '../../errors.ts';
import { audit as startAudit } from '../../inspect/audit/audit.ts';
import { auditTally } from '../../inspect/audit/tally.ts';
import { criteriaToday } from '../../judge/criteria.ts';
import { openDirectory, openForListing } from '../access/connect.ts';
import { csvSink } from '../audit/csv.ts';
import { htmlSink } from '../audit/html.ts';
import { jsonSink, ndjsonSink } from '../audit/json.ts';
import { auditProgress } from '../audit/progress.ts';
import { type AuditSettings, readAuditSettings } from '../audit/settings.ts';
import type { AuditHead, AuditSink } from '../audit/sink.ts';
import { textSink } from '../audit/text.ts';
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.ts';
import { addExamples } from '../help.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { withMetrics } from '../metrics/with-metrics.ts';
import {
  addDirectoryOptions,
  addMetricsOption,
  addOutputOptions,
  durationOption,
  newCommand,
  shardOption,
} from '../options.ts';
import { tellError } from '../output.ts';
import { recognitionIn, statedRecognition } from '../recognition.ts';

export function auditCommand(): Command {
  const command = newCommand('audit')
    .summary('find what is wrong with the certificates of all users')
    .description(
      'Goes through every user of the domain, decodes what is registered and says what is wrong with it, with the command that helps. Changes nothing. The codes are explained in docs/findings.md.',
    )
    .option('--users-from <file>', 'only these users, one a line; - for standard input')
    .option('--filter <filter>', 'only users that match this LDAP filter')
    .option(
      '--include <kinds>',
      'further objects, separated by commas: computers, managed-service-accounts, migrated-users',
    )
    .addOption(shardOption())
    .option('--all', 'print the users without findings too')
    .addOption(
      durationOption('--expiring-within <duration>', 'certificates that end within this time are expiring', '30d'),
    )
    .addOption(
      durationOption(
        '--machine-inactive <duration>',
        'a machine that has not logged on for this long is inactive',
        '180d',
      ),
    )
    .option('--fail-on <codes>', 'exit 1 when one of these findings is there, separated by commas; any for every code')
    .option('--ndjson', 'print JSON, one user a line, the summary last')
    .option('--csv <file>', 'write a table with one line a finding')
    .option('--html <file>', 'write a report for the browser');
  addMetricsOption(command);
  addDirectoryOptions(command);
  addOutputOptions(command);
  addExamples(command, [
    ['audit --directory ldif:users.ldif', 'an export of the directory'],
    ['audit --fail-on expired,expiring,digest-missing --expiring-within 60d --quiet', 'a check for a pipeline'],
    ['audit --base-dn OU=Sales,DC=corp,DC=example --include computers --html report.html', 'a part of the domain'],
    ['audit --ndjson --all | jq -c "select(.certificates | length > 100)"', 'one user a line for other tools'],
  ]);
  return command.action(async (_options, self: Command) => {
    await audit(self);
  });
}

export async function audit(command: Command): Promise<void> {
  const settings = await readAuditSettings(command);
  await withMetrics('audit', settings, async (metrics) => {
    const directory = await openForAudit(settings);
    try {
      process.exitCode = await auditThrough(directory, settings, metrics);
    } finally {
      await directory.close();
    }
  });
}

async function openForAudit(settings: AuditSettings): Promise<Directory & Listing> {
  return await (settings.scope.kind === 'named' ? openDirectory : openForListing)(settings, 'read');
}

/** Only the report tells it, so only for a report is the directory asked. */
async function provenanceFor({ html, bind }: AuditSettings, directory: Listing): Promise<Provenance> {
  const known = html === undefined ? undefined : await directory.provenance?.();
  return known === undefined ? { baseDn: null, account: null } : { ...known, account: known.account ?? bind ?? null };
}

async function auditThrough(
  directory: Directory & Listing,
  settings: AuditSettings,
  metrics: Metrics,
): Promise<ExitCode> {
  const recognition = recognitionIn(directory, await statedRecognition(settings));
  const measure = { ...criteriaToday(recognition, settings), expiringWithinMs: settings.expiringWithin };
  const progress = auditProgress(settings);
  try {
    const { notes, objects } = await startAudit(directory, {
      scope: settings.scope,
      shard: settings.shard ?? null,
      criteria: measure,
      machineInactiveMs: settings.machineInactive,
    });
    const tally = auditTally();
    const provenance = await provenanceFor(settings, directory);
    const sinks = await openSinks(settings, { directory: directory.server, provenance, at: measure.now, notes });
    let failure: MsmqCertError | null = null;
    let unread = 0;
    try {
      for await (const audited of objects) {
        tally.add(audited);
        progress.read();
        if (audited.kind === 'unread') {
          unread++;
          metrics.error(audited.error.code);
        } else metrics.judged(audited.state);
        await sinks.add(audited);
      }
    } catch (error) {
      failure = toMsmqCertError(error);
    }
    progress.stop();
    const summary = tally.summary();
    await sinks.end(summary, failure);
    recognition.tellUnused();
    if (failure !== null) {
      metrics.stopped(failure.code);
      // With --json it stands in the document, with --ndjson in its last line.
      if (!settings.json && !settings.ndjson) throw failure;
      tellError(failure);
      return exitCodeOf(failure.code);
    }
    if (unread === 0) metrics.succeeded();
    const unwanted = [...settings.failOn].some((code) => summary.findings[code] !== undefined);
    return unwanted || unread > 0 ? exitCodes.someFailed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

/** The forms of output that were asked for, as one. */
async function openSinks(settings: AuditSettings, head: AuditHead): Promise<AuditSink> {
  const sinks = [printed(settings, head)];
  if (settings.csv !== undefined) sinks.push(await csvSink(settings.csv, settings));
  if (settings.html !== undefined) sinks.push(htmlSink(settings.html, settings, head));
  return {
    async add(audited) {
      for (const sink of sinks) await sink.add(audited);
    },
    async end(summary, failure) {
      for (const sink of sinks) await sink.end(summary, failure);
    },
  };
}

function printed(settings: AuditSettings, head: AuditHead): AuditSink {
  if (settings.json) return jsonSink(settings, head);
  return settings.ndjson ? ndjsonSink(settings, head) : textSink(settings, head);
}
