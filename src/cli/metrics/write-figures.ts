import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '../../errors.ts';
import { replaceFile } from '../../files/output-file.ts';
import { findingCodes } from '../../judge/state.ts';
import type { Figures } from './figures.ts';

const DAY_SECONDS = 86_400;
const REMAINING_DAYS = [0, 1, 7, 14, 30, 60, 90, 180, 365, 730, 1825];
const ACTIONS = ['added', 'replaced', 'removed', 'unchanged', 'failed'] as const;

const SUCCESS = 'msmq_cert_last_success_timestamp_seconds';
const CERTIFICATES = 'msmq_cert_certificates_total';
const ERRORS = 'msmq_cert_errors_total';

/**
 * Writes a metrics file in one step. Counters go on from what it held before, and so does the time of the last success
 * when this run was none.
 * @throws MsmqCertError disk-full, file-unwritable
 */
export async function writeFigures(file: string, figures: Figures): Promise<void> {
  const registry = new Registry();
  const registers = [registry];
  const own = { command: figures.command, run: basename(file, '.prom') };
  registry.setDefaultLabels(own);
  const before = await readFile(file, 'utf8').catch(() => '');
  const earlier = earlierValues(before, own);
  const now = Date.now();

  const gauge = (name: string, help: string, value: number) => new Gauge({ name, help, registers }).set(value);
  gauge(
    SUCCESS,
    'When a run last did all that it was to do.',
    figures.isSuccess ? now / 1000 : (earlier(SUCCESS, '') ?? 0),
  );
  gauge('msmq_cert_last_run_timestamp_seconds', 'When a run last ended.', now / 1000);
  gauge('msmq_cert_last_run_duration_seconds', 'How long the last run took.', (now - figures.begunAt) / 1000);
  gauge(
    'msmq_cert_journal_unfinished',
    'Whether the last run was cut short, so that the next one goes on with it.',
    Number(figures.isJournalUnfinished),
  );
  gauge('msmq_cert_users', 'Users that the last run looked at.', figures.users);
  gauge('msmq_cert_users_near_capacity', 'Those who have no room for many more certificates.', figures.nearCapacity);
  gauge('msmq_cert_certificates_limit', 'Certificates that fit on one account.', figures.maxCertificates);

  const certificates = new Counter({
    name: CERTIFICATES,
    help: 'What became of certificates, over all runs.',
    labelNames: ['action'],
    registers,
  });
  for (const action of ACTIONS)
    certificates.inc({ action }, (earlier(CERTIFICATES, action) ?? 0) + (figures.actions.get(action) ?? 0));

  const errors = new Counter({
    name: ERRORS,
    help: 'Failures by their code, over all runs.',
    labelNames: ['code'],
    registers,
  });
  for (const code of new Set([...earlier.labels(ERRORS), ...figures.errors.keys()]))
    errors.inc({ code }, (earlier(ERRORS, code) ?? 0) + (figures.errors.get(code as ErrorCode) ?? 0));

  const findings = new Gauge({
    name: 'msmq_cert_findings',
    help: 'What is wrong, after the last run; see docs/findings.md.',
    labelNames: ['finding'],
    registers,
  });
  for (const finding of findingCodes) findings.set({ finding }, figures.findings.get(finding) ?? 0);

  const accounts = new Gauge({
    name: 'msmq_cert_account_certificates',
    help: 'Certificates of the largest accounts.',
    labelNames: ['account'],
    registers,
  });
  for (const [account, count] of figures.largest) accounts.set({ account }, count);

  const remaining = new Histogram({
    name: 'msmq_cert_certificate_remaining_seconds',
    help: 'How long certificates are still valid, after the last run; below 0 they have expired.',
    buckets: REMAINING_DAYS.map((days) => days * DAY_SECONDS),
    registers,
  });
  for (const seconds of figures.remaining) remaining.observe(seconds);

  const text = await registry.metrics();
  const isKept = !figures.isComplete && earlier(SUCCESS, '') !== null;
  await replaceFile(file, isKept ? withStateOf(before, text) : text, 0o644);
}

/** What is told of users and their certificates, as against what the run has done. */
const STATE = /_(users|users_near_capacity|findings|account_certificates|certificate_remaining_seconds)$/;

/** A run that has not seen all users must not end an alert about those it has not seen. */
function withStateOf(before: string, text: string): string {
  const known = new Map(
    before
      .trimEnd()
      .split('\n\n')
      .map((family) => [nameIn(family), family]),
  );
  const families = text
    .trimEnd()
    .split('\n\n')
    .map((family) => {
      const name = nameIn(family);
      return (STATE.test(name) ? known.get(name) : undefined) ?? family;
    });
  return `${families.join('\n\n')}\n`;
}

function nameIn(family: string): string {
  return /^# HELP (\w+) /.exec(family)?.[1] ?? '';
}

interface Earlier {
  /** Of a metric with this one label besides those of the run; null when there is none. */
  (name: string, label: string): number | null;
  labels(name: string): string[];
}

/** What the file of an earlier run of the same command says; nothing when it is of another, or is no such file. */
function earlierValues(text: string, { command, run }: { command: string; run: string }): Earlier {
  const values = new Map<string, Map<string, number>>();
  for (const [, name = '', labels = '', value = ''] of text.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)) {
    const read = new Map([...labels.matchAll(/(\w+)="([^"\\]*)"/g)].map(([, key = '', label = '']) => [key, label]));
    if (read.get('command') !== command || read.get('run') !== run) continue;
    const label = read.get('action') ?? read.get('code') ?? '';
    const known = values.get(name) ?? new Map<string, number>();
    values.set(name, known.set(label, Number(value)));
  }
  return Object.assign((name: string, label: string) => values.get(name)?.get(label) ?? null, {
    labels: (name: string) => [...(values.get(name)?.keys() ?? [])],
  });
}
