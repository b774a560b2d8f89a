import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { blockBelow } from '../readme.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bash = promisify(execFile);

describe('The first five minutes of the README', () => {
  it('lead, line by line as they are printed, to a registered certificate', async () => {
    const home = mkdtempSync(join(tmpdir(), 'msmq-cert-home-'));
    try {
      const lines = blockBelow('## Five minutes, without a domain');
      const { stdout } = await bash('bash', ['-e', '-o', 'pipefail', '-c', lines], {
        cwd: root,
        env: { ...process.env, HOME: home },
        maxBuffer: 1 << 24,
      });
      assert.match(stdout, /\nTo have msmq-cert in this shell:\n\n {4}export PATH=\S*scripts\/bin:"\$PATH"\n/);
      assert.match(stdout, /\nCORP\\alice {2}1 certificate, \d+ bytes\n/);
      assert.match(readFileSync(join(home, 'users.ldif'), 'utf8'), /mSMQDigests::/);
      const files = readdirSync(join(home, 'msmq-certs/CORP_alice/PC-1')).map((name) => name.replace(/.*\./, ''));
      assert.deepEqual(files.sort(), ['cer', 'pass', 'pfx']);
      assert.ok(!existsSync(join(root, 'msmq-certs')));
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
