import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promtool } from './promtool.ts';

const page = readFileSync(new URL('../docs/monitoring.md', import.meta.url), 'utf8');
const [, rules = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];

const DAY_SERIES = '{command="renew",run="nightly",instance="mq1"';

interface Series {
  name: string;
  labels?: string;
  values: string;
}

/** The alerts among these that are firing after so many days, on samples that are six hours apart. */
function firing(
  alert: string,
  series: Series[],
  days: number,
  expected: string[],
): { isContent: boolean; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-rules-'));
  try {
    writeFileSync(join(folder, 'rules.yaml'), rules);
    const input = series.map(
      ({ name, labels = '', values }) =>
        `      - series: '${name}${DAY_SERIES}${labels}}'\n        values: '${values}'`,
    );
    const alerts = expected.map((each) => `          - ${each}`);
    const test = [
      'rule_files: [rules.yaml]',
      'evaluation_interval: 6h',
      'tests:',
      '  - interval: 6h',
      '    input_series:',
      ...input,
      '    alert_rule_test:',
      `      - eval_time: ${days}d`,
      `        alertname: ${alert}`,
      expected.length === 0 ? '        exp_alerts: []' : '        exp_alerts:',
      ...alerts,
      '',
    ];
    writeFileSync(join(folder, 'test.yaml'), test.join('\n'));
    return promtool(['test', 'rules', join(folder, 'test.yaml')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertFiring(...parameters: Parameters<typeof firing>): void {
  const { isContent, said } = firing(...parameters);
  assert.ok(isContent, said);
}

describe('the alert rules of the documentation', () => {
  it('are in order', () => {
    const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-rules-'));
    writeFileSync(join(folder, 'rules.yaml'), rules);
    const { isContent, said } = promtool(['check', 'rules', join(folder, 'rules.yaml')]);
    rmSync(folder, { recursive: true });
    assert.ok(isContent, said);
    assert.match(said, /5 rules found/);
  });

  it('tell when nothing has succeeded for two days', () => {
    const series = [{ name: 'msmq_cert_last_success_timestamp_seconds', values: '0x20' }];
    assertFiring('MsmqCertNoSuccess', series, 2, []);
    const text = `{exp_labels: {severity: warning, command: renew, run: nightly, instance: mq1}, exp_annotations: {summary: 'nightly on mq1 has not succeeded for two days'}}`;
    assertFiring('MsmqCertNoSuccess', series, 3, [text]);
    assertFiring('MsmqCertNoSuccess', [{ ...series[0], values: '0+21600x20' } as Series], 3, []);
  });

  for (const dot of ['', '.0']) {
    it(`tell of certificates that end within 14 days, with bounds written as 0${dot}`, () => {
      const name = 'msmq_cert_certificate_remaining_seconds_bucket';
      const buckets = (expired: number, within14: number) => [
        { name, labels: `,le="0${dot}"`, values: `${expired}x8` },
        { name, labels: `,le="86400${dot}"`, values: `${expired}x8` },
        { name, labels: `,le="1209600${dot}"`, values: `${within14}x8` },
        { name, labels: ',le="+Inf"', values: '90x8' },
      ];
      assertFiring('MsmqCertCertificatesEnd', buckets(3, 3), 1, []);
      const text = `{exp_labels: {severity: warning, command: renew, run: nightly, instance: mq1}, exp_annotations: {summary: '2 certificates end within 14 days, as nightly on mq1 left them'}}`;
      assertFiring('MsmqCertCertificatesEnd', buckets(3, 5), 1, [text]);
    });
  }

  it('tell of an account that grows towards its limit', () => {
    const account = (values: string) => [
      { name: 'msmq_cert_account_certificates', labels: String.raw`,account="CORP\\svc"`, values },
      { name: 'msmq_cert_certificates_limit', values: '820x80' },
    ];
    assertFiring('MsmqCertAccountGrows', account('700x80'), 15, []);
    assertFiring('MsmqCertAccountGrows', account('500+1x80'), 15, []);
    const labels = String.raw`account: 'CORP\svc', severity: warning, command: renew, run: nightly, instance: mq1`;
    const summary = String.raw`CORP\svc will have 880 certificates in 30 days, more than fit`;
    assertFiring('MsmqCertAccountGrows', account('700+1x80'), 15, [
      `{exp_labels: {${labels}}, exp_annotations: {summary: '${summary}'}}`,
    ]);
  });

  it('tell when users wait in the queue and nobody works', () => {
    const standing = (workers: string) => [
      { name: 'msmq_cert_queue_users', labels: ',domain="corp.example",id="a",state="waiting"', values: '3x8' },
      { name: 'msmq_cert_queue_users', labels: ',domain="corp.example",id="b",state="waiting"', values: '2x8' },
      { name: 'msmq_cert_queue_workers', labels: ',domain="corp.example"', values: workers },
      { name: 'msmq_cert_queue_workers', labels: ',domain="other.example"', values: '0x8' },
    ];
    assertFiring('MsmqCertQueueStands', standing('1x8'), 1, []);
    assertFiring('MsmqCertQueueStands', standing('0x8'), 1, [
      "{exp_labels: {severity: warning, domain: corp.example, instance: mq1}, exp_annotations: {summary: '5 users wait in the queue of corp.example, and no worker is alive'}}",
    ]);
  });

  it('tell when users of a run in the queue failed for good', () => {
    const dead = (values: string) => [
      { name: 'msmq_cert_queue_users', labels: ',domain="corp.example",id="a",state="dead"', values },
      { name: 'msmq_cert_queue_users', labels: ',domain="corp.example",id="a",state="done"', values: '9x8' },
    ];
    assertFiring('MsmqCertQueueDead', dead('0x8'), 1, []);
    assertFiring('MsmqCertQueueDead', dead('2x8'), 1, [
      "{exp_labels: {severity: warning, domain: corp.example, instance: mq1, id: a}, exp_annotations: {summary: '2 users of the run a failed for good: msmq-cert queue dead list'}}",
    ]);
  });
});
