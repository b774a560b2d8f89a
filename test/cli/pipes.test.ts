import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { encode } from '../../src/blob/codec.ts';
import { newEntry } from '../../src/blob/edit.ts';
import { entryRecord } from '../../src/directory/ldif/entry.ts';
import { seedCertificate, withFolder } from '../certificate/support.ts';
import { main, startMsmqCert } from './msmq-cert.ts';

const names = Array.from({ length: 40 }, (_, index) => `user${index}`);

/** Users with one certificate each, so that removing it costs no key. */
async function fileOfUsers(folder: string): Promise<string> {
  const records = names.map((name) => {
    const subject = `[CORP/${name}, PC-1]`;
    const [notBefore, notAfter] = [new Date('2020-01-01'), new Date('2021-01-01')];
    const entry = newEntry(seedCertificate({ subject, notBefore, notAfter }));
    const user = { account: `CORP\\${name}`, dn: `CN=${name},DC=corp`, sid: null, guid: null, protected: false };
    return entryRecord(user, { blob: encode([entry]), digests: [entry.digest] });
  });
  const file = join(folder, 'users.ldif');
  await writeFile(file, records.join(''));
  return file;
}

type Pipe = 'stdout' | 'stderr';

/** Runs with pipes that are closed from the start, as of readers that went away. */
async function unread(words: string[], closed: readonly Pipe[]): Promise<{ code: number | null; stderr: string }> {
  const child = startMsmqCert(words);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (said: string) => {
    stderr += said;
  });
  child.stdout.resume();
  for (const each of closed) child[each].destroy();
  const [code] = await once(child, 'exit');
  return { code, stderr };
}

describe('When nobody reads what it says', () => {
  // with --json the plans are shown on standard error as they come
  const ways: [closed: Pipe[], ...options: string[]][] = [
    [['stdout']],
    [['stderr'], '--json'],
    [['stdout', 'stderr'], '--json'],
  ];
  for (const [closed, ...options] of ways) {
    it(`a run that writes goes on to its end, without ${closed.join(' and ')}`, () =>
      withFolder(async (folder) => {
        const file = await fileOfUsers(folder);
        const words = ['prune', ...names, 'nobody', '--expired', '--yes', '--directory', `ldif:${file}`];
        const more = ['--out', join(folder, 'out'), '--concurrency', '1', ...options];
        const { code } = await unread([...words, ...more], closed);
        assert.equal(code, 1, 'one name is of nobody');
        assert.doesNotMatch(await readFile(file, 'utf8'), /mSMQ/);
      }));
  }

  it('a plan is written to its file all the same', () =>
    withFolder(async (folder) => {
      const [file, plan] = [await fileOfUsers(folder), join(folder, 'plan.json')];
      const words = ['plan', 'prune', ...names, '--expired', '--out', plan, '--directory', `ldif:${file}`];
      const { code, stderr } = await unread(words, ['stdout']);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(await readFile(plan, 'utf8')).users.length, names.length);
    }));

  it('a command that only reads ends quietly', () =>
    withFolder(async (folder) => {
      const file = await fileOfUsers(folder);
      const outcome = await unread(['list', ...names, '--directory', `ldif:${file}`], ['stdout']);
      assert.deepEqual(outcome, { code: 0, stderr: '' });
    }));

  it('a full disk is said, and a run that writes goes on', () =>
    withFolder(async (folder) => {
      const file = await fileOfUsers(folder);
      const words = ['prune', ...names, '--expired', '--yes', '--directory', `ldif:${file}`];
      await using full = await open('/dev/full', 'w');
      const child = spawn(process.execPath, [main, ...words, '--out', join(folder, 'out')], {
        stdio: ['ignore', full.fd, 'pipe'],
      });
      assert.ok(child.stderr);
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      assert.equal(code, 1);
      assert.match(stderr, /^the results cannot be written to standard output: ENOSPC; the run goes on$/m);
      assert.doesNotMatch(await readFile(file, 'utf8'), /mSMQ/);
    }));
});
