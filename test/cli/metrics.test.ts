import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promtool } from '../promtool.ts';
import { runMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));

describe('a metrics file', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'msmq-cert-metrics-'));
    cpSync(fixture, join(cwd, 'users.ldif'));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  const run = (words: string) =>
    runMsmqCert(words.split(' '), { cwd, env: { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' } });
  const text = (file: string) => readFileSync(join(cwd, file), 'utf8');
  /** The samples without the labels that all have; those that are 0 only where they are asked for. */
  const samples = (file: string): Map<string, number> => {
    const lines = [...text(file).matchAll(/^msmq_cert_(\w+)\{(.*)\} (\S+)$/gm)];
    return new Map(
      lines.map(([, name, labels = '', value]) => {
        const own = labels.split(',').filter((label) => !/^(command|run)=/.test(label));
        return [[name, ...own].join(' '), Number(value)];
      }),
    );
  };

  it('says of an audit what it has found, in a form that Prometheus takes', async () => {
    assert.equal((await run('audit --metrics-file audit.prom')).code, 0);
    const found = samples('audit.prom');
    assert.equal(found.get('users'), 4);
    assert.equal(found.get('findings finding="expired"'), 1);
    assert.equal(found.get('findings finding="digest-missing"'), 1);
    assert.equal(found.get('findings finding="malformed-blob"'), 0);
    assert.equal(found.get('certificate_remaining_seconds_bucket le="0"'), 1);
    assert.equal(found.get('certificate_remaining_seconds_count'), 4);
    assert.equal(found.get('journal_unfinished'), 0);
    assert.equal(found.get('certificates_limit'), 820);
    assert.ok(text('audit.prom').includes('msmq_cert_users{command="audit",run="audit"} 4'));
    assert.deepEqual(promtool(['check', 'metrics'], text('audit.prom')), { isContent: true, said: '' });
  });

  it('tells how users stand after a run', async () => {
    assert.equal((await run('renew --everyone --broken --metrics-file renew.prom')).code, 0);
    const found = samples('renew.prom');
    assert.equal(found.get('users'), 4);
    assert.equal(found.get('findings finding="expired"'), 0);
    assert.equal(found.get('certificate_remaining_seconds_bucket le="0"'), 0);
    assert.equal(found.get('certificate_remaining_seconds_count'), 4);
    assert.equal(found.get('certificates_total action="replaced"'), 2);
    assert.equal(found.get('certificates_total action="unchanged"'), 2);
    assert.deepEqual(promtool(['check', 'metrics'], text('renew.prom')), { isContent: true, said: '' });
  });

  it('goes on counting, and keeps the last success and what was seen when a run fails', async () => {
    await run('renew --everyone --broken --metrics-file renew.prom');
    const before = samples('renew.prom');
    writeFileSync(join(cwd, 'users.ldif'), 'this is no LDIF');
    assert.equal((await run('renew --everyone --broken --metrics-file renew.prom')).code, 2);
    await run('renew --everyone --broken --metrics-file renew.prom');
    const after = samples('renew.prom');
    assert.equal(after.get('errors_total code="invalid-ldif"'), 2);
    assert.equal(after.get('certificates_total action="replaced"'), 2);
    assert.equal(after.get('certificate_remaining_seconds_count'), 4);
    assert.equal(after.get('users'), 4);
    for (const name of ['last_success_timestamp_seconds']) assert.equal(after.get(name), before.get(name));
    const last = 'last_run_timestamp_seconds';
    assert.ok((after.get(last) ?? 0) > (before.get(last) ?? 0));
    assert.deepEqual(promtool(['check', 'metrics'], text('renew.prom')), { isContent: true, said: '' });
  });

  it('has never succeeded when the first run fails, and says why', async () => {
    await run('renew bob nobody --broken --metrics-file renew.prom');
    const found = samples('renew.prom');
    assert.equal(found.get('last_success_timestamp_seconds'), 0);
    assert.equal(found.get('errors_total code="user-not-found"'), 1);
    assert.equal(found.get('certificates_total action="failed"'), 1);
    assert.equal(found.get('users'), 1);
  });

  it('does not take over the counts of another command', async () => {
    await run('renew --everyone --broken --metrics-file shared.prom');
    await run('repair --everyone --metrics-file shared.prom');
    assert.equal(samples('shared.prom').get('certificates_total action="replaced"'), 0);
  });

  it('can be read by everybody, and is not written by a dry run', async () => {
    await run('renew --everyone --broken --dry-run --metrics-file renew.prom');
    assert.ok(!existsSync(join(cwd, 'renew.prom')));
    const under = {
      under: ['sh', '-c', 'umask 077; exec "$@"', 'sh'],
      cwd,
      env: { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' },
    };
    await runMsmqCert(['audit', '--metrics-file', 'audit.prom'], under);
    assert.equal(statSync(join(cwd, 'audit.prom')).mode & 0o777, 0o644);
  });

  it('must have a name that is looked for, and a failure to write it is one of the run', async () => {
    const { code, stderr } = await run('audit --metrics-file audit.txt');
    assert.equal(code, 2);
    assert.match(stderr, /error\[usage\]: audit.txt does not end in .prom/);
    const failed = await run('audit --metrics-file nowhere/audit.prom');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /error\[file-unwritable\]/);
  });
});
