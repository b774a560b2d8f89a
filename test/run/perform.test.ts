import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mainFile } from '../../src/certificate/key-files/custody.ts';
import { openDirectory } from '../../src/directory/open.ts';
import { newCertificates, type PerformOptions, perform } from '../../src/run/perform.ts';
import { makeRecipient, opened } from '../certificate/sealing/support.ts';
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

const DAYS_30 = 30 * 86_400_000;
const taken = (users: string) => join(dirname(users), 'taken.json');
const takes = (users: string) => `cat > '${taken(users)}'; echo "$MSMQ_CERT_DIGEST"`;

/** Has the command line plan a certificate for alice, and carries the plan out: the main file of its key set. */
async function carryOutPlan(users: string, words: string[], options: PerformOptions, mode = 0o600) {
  const plan = join(dirname(users), 'plan.json');
  const asked = ['register', 'alice', '--machine', 'PC-1', '--valid-for', '30d', ...words];
  const planned = await runMsmqCert(['plan', ...asked, '--out', plan, '--directory', `ldif:${users}`]);
  assert.equal(planned.code, 0, planned.stderr);
  chmodSync(plan, mode);
  const directory = await openDirectory(`ldif:${users}`);
  const apply = { verb: 'apply', plan, replan: false, confirmed: false } as const;
  const { results, journal } = await perform(directory, apply, [{ name: 'alice', wanted: [] }], options);
  await directory.close();
  const files = results[0]?.items[0]?.files;
  assert.ok(files);
  return { file: mainFile(files), journal: journal ?? '' };
}

function headOf(journal: string) {
  const [head = ''] = readFileSync(journal, 'utf8').split('\n');
  return JSON.parse(head).keys;
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

  describe('with a plan file', () => {
    it('seals keys to the recipient of the plan', () =>
      withUsers(async (users, options) => {
        const { certificate, key } = await makeRecipient(dirname(users));
        const { file, journal } = await carryOutPlan(users, ['--seal-to', certificate], options);
        assert.match(file, /\.pfx\.p7m$/);
        assert.ok((await opened(file, certificate, key)).length > 1000);
        assert.deepEqual([headOf(journal).validFor, headOf(journal).handover.file], [DAYS_30, certificate]);
      }));

    it('hands keys to the sink of the plan', () =>
      withUsers(async (users, options) => {
        const { file, journal } = await carryOutPlan(users, ['--key-sink', takes(users)], options);
        assert.match(file, /\.cer$/);
        assert.equal(`${JSON.parse(readFileSync(taken(users), 'utf8')).digest}.cer`, basename(file));
        assert.deepEqual(headOf(journal).handover, { kind: 'sink', command: takes(users) });
      }));

    it('runs no sink of a plan that others could have written', () =>
      withUsers(async (users, options) => {
        const before = readFileSync(users, 'utf8');
        const ending = carryOutPlan(users, ['--key-sink', takes(users)], options, 0o666);
        await assert.rejects(ending, { code: 'untrusted-path' });
        assert.equal(existsSync(taken(users)), false);
        assert.equal(readFileSync(users, 'utf8'), before);
      }));

    it('does as the options say where they say something else', () =>
      withUsers(async (users, options) => {
        const keys = { handover: { kind: 'files' as const }, validForMs: DAYS_30 * 2 };
        const { file, journal } = await carryOutPlan(users, ['--key-sink', takes(users)], { ...options, keys }, 0o666);
        assert.match(file, /\.pfx$/);
        assert.equal(existsSync(taken(users)), false);
        assert.deepEqual([headOf(journal).validFor, headOf(journal).handover], [DAYS_30 * 2, undefined]);
      }));
  });

  it('is refused without credentials where a server wants them', async () => {
    await assert.rejects(openDirectory('ldaps://dc1.corp.example'), { code: 'credentials-missing' });
    await assert.rejects(openDirectory('http://dc1.corp.example'), { code: 'usage' });
  });
});
