import assert from 'node:assert/strict';
import { join } from 'node:path';
import { withFolder } from '../certificate/support.ts';
import { outcomeOf, startProgram } from '../cli/msmq-cert.ts';
import { built } from '../packaging/packages.ts';
import { machinesOf, readConsistentPair } from './command-line.ts';
import { kerberosEnv, kinit } from './kerberos-session.ts';
import { type Lab, resetUser, startLab } from './lab.ts';

describe('the executable for Linux against a domain controller', () => {
  let lab: Lab;
  before(async () => {
    lab = await startLab();
  });
  for (const when of [beforeEach, afterEach]) when(() => resetUser(lab, 'alice'));

  it('binds with Kerberos by the library that it unpacks', () =>
    withFolder(async (folder) => {
      await kinit(lab, join(folder, 'tickets'), 'provisioner');
      const env = { PATH: '/nonexistent', HOME: folder, ...kerberosEnv(lab, join(folder, 'tickets')) };
      const access = ['--directory', `ldaps://${lab.host}`, '--dns-server', lab.ip, '--ca-file', lab.caFile];
      const words = ['register', 'alice', '--machine', 'PC-1', '--auth', 'kerberos', ...access];
      const { code, stderr } = await outcomeOf(startProgram(built('msmq-cert'), words, { env, cwd: folder }));
      assert.equal(code, 0, stderr);
      assert.deepEqual(machinesOf(await readConsistentPair(lab, 'alice')), ['PC-1']);
    }));
});
