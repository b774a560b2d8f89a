import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quotedForPosix } from '../../src/advice.ts';
import { ldifAttribute, ldifBinary } from '../../src/directory/ldif/ldif.ts';
import { certificate, pairOf } from '../judge/trouble.ts';
import { main, runMsmqCert } from './msmq-cert.ts';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** Conceals what follows, sets the title, turns the order of letters round, hides a letter, and forges a line. */
const evil = '\u001b[8m\u001b]0;title\u0007\u009b31m\u202ebidi\u3164\u200b\nerror[forged]: a line of its own';

const COLOUR = `${'\u001b'}\\[\\d+m`;

function record(name: string, rest: string): string {
  const dn = ldifAttribute('dn', `CN=${name},DC=corp,DC=example`);
  return `${dn}objectClass: user\n${ldifAttribute('sAMAccountName', name)}${rest}\n`;
}

describe('What is printed', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-terminal-'));
    const { blob, digests } = pairOf([certificate({ commonName: `[CORP/${evil}, PC-1]`, endsIn: -1 })]);
    const pair =
      ldifBinary('mSMQSignCertificates', blob ?? Buffer.of()) + ldifBinary('mSMQDigests', digests[0] ?? Buffer.of());
    const torn = ldifBinary('mSMQSignCertificates', Buffer.of(1)) + ldifBinary('mSMQSignCertificates', Buffer.of(2));
    const users = [
      record(evil, pair + ldifBinary('mSMQDigests', Buffer.alloc(16))),
      record(`twice${evil}`, torn),
      record(`script${evil}`, ldifBinary('mSMQSignCertificates', Buffer.from('WScript'))),
    ];
    writeFileSync(join(folder, 'users.ldif'), users.join(''));
    writeFileSync(join(folder, 'names'), [evil, `script${evil}`].map((name) => name.replaceAll('\n', ' ')).join('\n'));
    writeFileSync(join(folder, `${evil.replaceAll('/', '')}.json`), '{}');
  });
  after(() => rmSync(folder, { recursive: true }));

  const user = `CN=${evil},DC=corp,DC=example`;
  const script = `CN=script${evil},DC=corp,DC=example`;
  const none = '0123456789abcdef'.repeat(2);
  const commands: string[][] = [
    ['list', user, script, `nobody${evil}`],
    ['list', '--users-from', 'names'],
    ['list', `${evil}`, '--verbose'],
    ['show', user, '--digest', none],
    ['audit', '--all'],
    ['audit', '--all', '--csv', `${evil}/no/folder.csv`],
    ['explain', user, '--machine', 'PC-1'],
    ['explain', script, '--machine', 'PC-1'],
    ['backup', '--all', '--out', 'all.ldif'],
    ['backup', user, '--out', `no${evil}/folder.ldif`],
    ['restore', 'all.ldif', '--dry-run'],
    ['prune', user, '--digest', none],
    ['prune', user, '--expired'],
    ['renew', user, '--all', '--machine', 'PC-9'],
    ['renew', user, '--broken', '--deploy-hook', `printf '${evil}'; exit 1`],
    ['repair', user, script],
    ['register', user, '--machine', evil],
    ['apply', `${evil.replaceAll('/', '')}.json`],
    ['replication', user],
    ['verify', '--certificate', `${evil}.cer`],
    ['check', '--directory', `ldaps://${evil}`],
    ['plan', 'prune', user, '--expired', '--out', `plan${evil}`],
    [evil],
    ['list', `--${evil}`],
    ['list', '--timeout', evil],
  ];

  for (const words of commands) {
    it(`by ${words.slice(0, 2).join(' ').replaceAll(evil, '…')} (${commands.indexOf(words)}) acts on no terminal`, async () => {
      const { stdout, stderr } = await runMsmqCert(words, {
        cwd: folder,
        env: { MSMQ_CERT_DIRECTORY: 'ldif:users.ldif' },
      });
      const said = stdout + stderr;
      assert.notEqual(said, '');
      assert.doesNotMatch(said, /(?!\n)[\p{C}\p{Zl}\p{Zp}\u3164]/u);
      if (words[0] !== evil && words[1] !== `--${evil}` && words[2] !== evil)
        assert.doesNotMatch(said, /^ *error\[forged\]/m);
    });
  }

  it('on a terminal has our colours and nobody else’s', () => {
    const line = [process.execPath, main, 'list', user, '--directory', 'ldif:users.ldif'].map(quotedForPosix).join(' ');
    const said = execFileSync('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TERM: 'xterm', SHELL: '/bin/bash' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const codes = new Set(said.match(new RegExp(COLOUR, 'g')));
    assert.deepEqual(codes, new Set(['\u001b[1m', '\u001b[22m', '\u001b[33m', '\u001b[39m']));
    assert.doesNotMatch(said.replaceAll(new RegExp(String.raw`${COLOUR}|\r?\n`, 'g'), ''), /[\p{C}\u3164]/u);
  });

  it('goes through one file, which makes it safe', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('report-page'),
    );
    assert.ok(files.includes(join('cli', 'output.ts')));
    const printing = files.filter((file) => {
      const text = readFileSync(join(source, file), 'utf8');
      return /process\b.*\bstd(out|err)|\bconsole\b|\bstd(out|err)\b.*\bprocess\b|node:(process|console|tty)|\b_rawDebug/.test(
        text,
      );
    });
    assert.deepEqual(printing, [join('cli', 'terminal.ts')]);
  });
});
