import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDirectory } from '../../src/directory/open.ts';
import { newCertificates, type PerformOptions, perform } from '../../src/run/perform.ts';
import { withFolder } from '../certificate/support.ts';
import { runMsmqCert } from '../cli/msmq-cert.ts';

const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));
const register = { verb: 'register', mode: 'always' } as const;

async function withUsers(work: (users: string, options: PerformOptions) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const users = join(folder, 'users.ldif');
    cpSync(fixture, users);
    await work(users, { out: join(folder, 'keys'), mode: 'write' });
  });
}

describe('What a program does', () => {
  it('is undone by the command line, which finds the directory in the journal', () =>
    withUsers(async (users, options) => {
      const before = readFileSync(users, 'utf8');
      const directory = await openDirectory(`ldif:${users}`);
      const { journal } = await perform(directory, register, [newCertificates('alice', ['PC-1'])], options);
      await directory.close();
      assert.notEqual(readFileSync(users, 'utf8'), before);
      const { code, stderr } = await runMsmqCert(['undo', journal ?? '', '--json']);
      assert.equal(code, 0, stderr);
      assert.equal(readFileSync(users, 'utf8'), before);
    }));

  it('is gone on with by the same call when it was cut short, and nothing is made twice', () =>
    withUsers(async (users, options) => {
      const directory = await openDirectory(`ldif:${users}`);
      const targets = [newCertificates('alice', ['PC-1']), newCertificates('bob', ['PC-9'])];
      const cut = new AbortController();
      const first = await perform(directory, register, targets, {
        ...options,
        signal: cut.signal,
        onResult: () => cut.abort(new Error('cut')),
      });
      assert.notEqual(first.stoppedBy, null);
      const second = await perform(directory, register, targets, options);
      await directory.close();
      assert.equal(second.stoppedBy, null);
      assert.equal(second.journal, first.journal);
      const sets = readdirSync(options.out, { recursive: true }).filter((name) => String(name).endsWith('.pfx'));
      assert.equal(sets.length, 2);
    }));

  it('saves what a clear takes away, as the command line does', () =>
    withUsers(async (users, options) => {
      const directory = await openDirectory(`ldif:${users}`);
      const clear = { verb: 'clear', confirmed: true, includeComputers: false } as const;
      const { summary } = await perform(directory, clear, [{ name: 'bob', wanted: [] }], options);
      await directory.close();
      assert.equal(summary.removed, 2);
      const [backup = ''] = readdirSync(join(options.out, 'backup'));
      assert.match(readFileSync(join(options.out, 'backup', backup), 'utf8'), /mSMQSignCertificates::/);
    }));

  it('is refused without credentials where a server wants them', async () => {
    await assert.rejects(openDirectory('ldaps://dc1.corp.example'), { code: 'credentials-missing' });
    await assert.rejects(openDirectory('http://dc1.corp.example'), { code: 'usage' });
  });
});
