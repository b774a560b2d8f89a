import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { wordsThatArrive } from '../shell.ts';
import { runMsmqCert } from './msmq-cert.ts';

const verbs = [
  ...[
    'register',
    'renew',
    'replace',
    'repair',
    'prune',
    'clear',
    'backup',
    'restore',
    'plan',
    'apply',
    'resume',
    'schedule',
  ],
  ...['undo', 'audit', 'verify', 'explain', 'list', 'show', 'check', 'replication', 'login', 'logout', 'whoami'],
  ...['blob decode', 'blob encode'],
];

/** What stands for something that only the reader knows is no redirection. */
function withoutPlaceholders(line: string): string {
  return line
    .replaceAll(/<([a-z]+)>/g, '$1')
    .replace(/ < pw$/, '')
    .replace(/ \| jq .*$/, '');
}

/** The words as they are meant: quotes hold words together, and a backslash is a character like others. */
function meantWords(line: string): string[] {
  const words = line.match(/(?:'[^']*'|"[^"\\$]*"|[^\s'"])+/g) ?? [];
  return words.slice(1).map((word) => word.replaceAll(/['"]/g, ''));
}

function assertPasteable(line: string): void {
  const plain = withoutPlaceholders(line);
  for (const shell of ['sh', 'bash'] as const) assert.deepEqual(wordsThatArrive(plain, shell), meantWords(plain), line);
}

function linesOf(file: string): string[] {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const inline = [...text.matchAll(/`(msmq-cert [^`]+)`/g)].map(([, line = '']) => line);
  const indented = [...text.matchAll(/^ {4}(msmq-cert .*)$/gm)].map(([, line = '']) => line.replace(/ +#.*/, ''));
  return [...inline, ...indented].map((line) => line.replaceAll(/\s+/g, ' '));
}

describe('The commands that can be copied', () => {
  for (const file of ['README.md', 'docs/findings.md']) {
    it(`from ${file} arrive in a shell as they are meant`, () => {
      const lines = linesOf(file);
      assert.ok(lines.length > 20);
      for (const line of lines) assertPasteable(line);
    });
  }

  it('from help arrive in a shell as they are meant, backslashes too', async () => {
    const helps = await Promise.all(verbs.map((verb) => runMsmqCert([...verb.split(' '), '--help'])));
    const lines = helps.flatMap(({ stdout }) => [...stdout.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line = '']) => line));
    assert.ok(lines.length > 35);
    assert.ok(lines.filter((line) => line.includes('\\')).length > 5);
    for (const line of lines) assertPasteable(line);
  });
});
