import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMsmqCert } from './cli/msmq-cert.ts';

const page = readFileSync(new URL('../docs/scale.md', import.meta.url), 'utf8');

function block(language: string, holding: string): string {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text);
  const [found] = blocks.filter((text) => text.includes(holding));
  assert.ok(found !== undefined, `docs/scale.md has no ${language} with ${holding}`);
  return found;
}

function verify(unit: string): { isContent: boolean; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'msmq-cert-unit-'));
  try {
    const file = join(folder, 'msmq-cert-worker@.service');
    // what is there on every machine stands for the program
    writeFileSync(file, unit.replace('/usr/bin/msmq-cert', '/usr/bin/env'));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    const said = stderr
      .split('\n')
      .filter((line) => line.includes('msmq-cert-worker'))
      .join('\n');
    return { isContent: status === 0, said };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('The page about many machines', () => {
  it('has a unit that systemd accepts', () => {
    const unit = block('ini', 'ExecStart');
    assert.deepEqual(verify(unit), { isContent: true, said: '' });
    assert.ok(!verify(unit.replace('/usr/bin/msmq-cert', '/nowhere')).isContent);
    assert.match(verify(unit.replace('RestartSec=', 'RestartSecs=')).said, /RestartSecs/);
  });

  for (const { what, text, words } of [
    { what: 'unit', text: () => /^ExecStart=(?:.*\\\n)*.*/m.exec(block('ini', 'ExecStart'))?.[0], words: 'queue work' },
    {
      what: 'task for Windows',
      text: () => /'queue work [^)]*/.exec(block('powershell', 'queue work'))?.[0],
      words: 'queue work',
    },
    { what: 'Deployment', text: () => /args: .*/.exec(block('yaml', 'Deployment'))?.[0], words: 'queue work' },
    { what: 'Job', text: () => /msmq-cert register .*/.exec(block('yaml', 'Indexed'))?.[0], words: 'register' },
  ]) {
    it(`names options in its ${what} that ${words} has`, async () => {
      const { stdout } = await runMsmqCert([...words.split(' '), '--help-all']);
      const known = new Set(stdout.match(/--[a-z-]+/g));
      const named = text()?.match(/--[a-z-]+/g) ?? [];
      assert.ok(named.length > 2, `${named}`);
      assert.deepEqual(
        named.filter((option) => !known.has(option)),
        [],
      );
    });
  }

  it('names variables in its Deployment that the command knows', async () => {
    const { stdout } = await runMsmqCert(['queue', 'work', '--help-all']);
    const named = block('yaml', 'Deployment').match(/MSMQ_CERT_[A-Z_]+/g) ?? [];
    assert.ok(named.length > 3);
    for (const variable of named) assert.ok(stdout.includes(variable), variable);
  });
});
