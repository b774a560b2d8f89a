import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withFolder } from '../certificate/support.ts';
import { blockBelow } from '../readme.ts';
import { readConsistentPair } from './command-line.ts';
import { type Lab, resetUser, startLab } from './lab.ts';

const bash = promisify(execFile);
const bin = fileURLToPath(new URL('../../scripts/bin', import.meta.url));

describe('The first run against a domain in the README', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  it('leads, line by line as it is printed, to a registered certificate', () =>
    withFolder(async (folder) => {
      const { bind, passwordFile } = lab.accounts.provisioner;
      const own: Record<string, string> = {
        MSMQ_CERT_DIRECTORY: lab.url,
        MSMQ_CERT_BIND: bind,
        MSMQ_CERT_PASSWORD_FILE: passwordFile,
        MSMQ_CERT_CA_FILE: lab.caFile,
      };
      const named: string[] = [];
      const lines = blockBelow('## First run against a domain').replaceAll(/^export (\w+)=\S+/gm, (_, name: string) => {
        named.push(name);
        return `export ${name}='${own[name]}'`;
      });
      assert.deepEqual(named, Object.keys(own));
      const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: dirname(folder) };
      const { stdout } = await bash('bash', ['-e', '-c', lines], { cwd: folder, env });
      assert.match(stdout, /\nCORP\\alice {2}1 certificate, \d+ bytes\n/);
      assert.equal((await readConsistentPair(lab, 'alice')).length, 1);
    }));
});
