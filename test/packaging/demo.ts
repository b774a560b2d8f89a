import assert from 'node:assert/strict';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome } from '../cli/msmq-cert.ts';

/** The directory that it shows. */
export const fixture = fileURLToPath(new URL('../fixtures/demo.ldif', import.meta.url));

/**
 * What scripts/demo shows, with an executable that runs in the folder.
 * @param run runs it with these words, MSMQ_CERT_DIRECTORY being ldif:users.ldif
 */
export async function runDemo(folder: string, run: (words: string[]) => Promise<Outcome>): Promise<void> {
  await copyFile(fixture, join(folder, 'users.ldif'));
  const succeed = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(words);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  assert.match(await succeed('list', 'alice', 'bob', 'svc-orders'), /CORP\\svc-orders {2}2 certificates/);
  const twoMachines = ['register', 'alice', '--machine', 'PC-1', '--machine', 'PC-2'];
  assert.match(await succeed(...twoMachines), /2 added, 0 removed/);
  assert.match(await succeed(...twoMachines), /0 added, 0 removed, 2 unchanged/);
  const broken = ['renew', 'bob', 'svc-orders', '--broken'];
  assert.match(await succeed(...broken, '--dry-run'), /digest-missing|PC-7/);
  assert.match(await succeed(...broken), /2 added/);
  const before = await succeed('list', 'bob');
  assert.match(await succeed('replace', 'bob', '--overlap', '--ldif', 'change.ldif'), /2 added/);
  const journals = await readdir(join(folder, 'msmq-certs', 'journal'));
  const journal = journals.find((name) => name.includes('-replace-'));
  assert.ok(journal);
  await succeed('undo', join('msmq-certs', 'journal', journal));
  assert.equal(await succeed('list', 'bob'), before);
}
