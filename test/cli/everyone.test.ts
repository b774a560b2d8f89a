import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginHeartbeat } from '../../src/files/heartbeat.ts';
import { makeJournalFolder } from '../../src/journal/file.ts';
import { runMsmqCert } from './msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));

describe('a run over everybody', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'msmq-cert-everyone-'));
    cpSync(fixture, join(cwd, 'users.ldif'));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  const renew = (...words: string[]) =>
    runMsmqCert(['renew', '--everyone', '--broken', '--directory', 'ldif:users.ldif', ...words], { cwd });

  it('delivers what an earlier one has registered only, to users who need nothing else', async () => {
    const first = await renew('--deploy-hook', 'exit 1', '--json');
    assert.equal(first.code, 1);
    assert.equal(JSON.parse(first.stdout).summary.undelivered, 2);
    const { code, stdout } = await renew('--deploy-hook', 'exit 0', '--new-run', '--json');
    const { added, delivered, untouched } = JSON.parse(stdout).summary;
    assert.deepEqual([code, added, delivered, untouched], [0, 0, 2, 2]);
  });

  it('leaves its folder to another one that is at work, also in JSON, and writes no metrics', async () => {
    const claim = join(cwd, 'msmq-certs', 'journal', 'whole-domain');
    await makeJournalFolder(claim);
    const heartbeat = await beginHeartbeat(claim);
    try {
      const { code, stdout } = await renew('--json', '--metrics-file', 'nowhere/renew.prom');
      const skipped = 'another run is at work in msmq-certs: nothing was done';
      assert.deepEqual([code, JSON.parse(stdout)], [0, { schema: 1, command: 'renew', skipped }]);
    } finally {
      await heartbeat.release('ended');
    }
    assert.equal((await renew()).code, 0);
  });
});
