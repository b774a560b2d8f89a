import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quotedForPosix } from '../../src/advice.ts';
import type { Pair } from '../../src/blob/pair.ts';
import { ldifAttribute, ldifBinary } from '../../src/directory/ldif/ldif.ts';
import type { UserJson } from '../../src/inspect/audit/report.ts';
import { findingCodes } from '../../src/judge/state.ts';
import { certificate, MAX_CERTIFICATES, pairOf, troubles, type Wanted } from '../judge/trouble.ts';
import { main, runMsmqCert } from './msmq-cert.ts';

interface Patient {
  name: string;
  codes: string[];
  pair: Pair;
  more?: string;
}

/** Names that a shell would take for more, as some users have them. */
const names = [
  'al ice',
  '$(touch reboot)',
  "o'hara",
  '`id`',
  '-rf',
  'a&b',
  '#x',
  'ümläut',
  '*',
  '~',
  'a=b',
  '!!',
  'x;id',
];

function patients(): Patient[] {
  const certificates = (count: number, wanted: Wanted) => Array.from({ length: count }, () => certificate(wanted));
  const of = (machine: string, wanted: Wanted = {}) => certificate({ commonName: `[CORP/x, ${machine}]`, ...wanted });
  const one = (code: string, ...pairs: Buffer[]) => ({ codes: [code], pair: pairOf(pairs) });
  const elliptic = troubles().find(({ code }) => code === 'not-rsa');
  assert.ok(elliptic);
  const all: Omit<Patient, 'name'>[] = [
    ...troubles().map(({ code, pair }) => ({ codes: [code], pair })),
    one('expired', of('PC-1', { endsIn: -1 })),
    one('expired', of('PC-1', { endsIn: -1 }), of('PC-2')),
    one('not-yet-valid', of('PC-1', { startsIn: 2 })),
    one('weak-key', of('PC-1', { keyBytes: 128 }), of('PC-2')),
    one('weak-key', of('PC-1', { keyBytes: 128 })),
    one('weak-signature', of('PC-1', { signature: '1.2.840.113549.1.1.5' })),
    one('expiring', of('PC-1', { endsIn: 20 }), of('PC-2'), of('PC-3', { endsIn: 10 })),
    one('superseded', of('PC-1', { startsIn: -30 }), of('PC-1', { startsIn: -20 }), of('PC-1')),
    one('machine-gone', of('PC-1'), of('PC-GONE'), of('PC-2')),
    one('machine-inactive', of('PC-IDLE')),
    one('machine-disabled', of('PC-OLD'), of('PC-1')),
    {
      codes: ['near-capacity', 'superseded'],
      pair: pairOf([of('PC-1', { startsIn: -20 }), of('PC-1'), ...certificates(MAX_CERTIFICATES - 3, {})]),
    },
    {
      codes: ['over-capacity', 'machine-gone', 'superseded'],
      pair: pairOf([
        ...[of('PC-GONE'), of('PC-GONE2'), of('PC-1', { startsIn: -20 }), of('PC-1')],
        ...certificates(MAX_CERTIFICATES - 4, {}),
      ]),
    },
    { ...one('legacy-attributes', certificate()), more: 'mSMQDigestsMig:: AAAA\n' },
    { ...one('protected-account', certificate()), more: 'adminCount: 1\n' },
  ];
  return all.map((each, index) => ({ ...each, name: `${names[index % names.length]}${index}` }));
}

function userRecord({ name, pair: { blob, digests }, more = '' }: Patient, index: number): string {
  return [
    ldifAttribute('dn', `CN=user${index},OU=MQ,DC=corp,DC=example`),
    'objectClass: user\n',
    ldifAttribute('sAMAccountName', name),
    `objectSid: S-1-5-21-1-2-3-${index + 1000}\n`,
    blob === null ? '' : ldifBinary('mSMQSignCertificates', blob),
    ...digests.map((digest) => ldifBinary('mSMQDigests', digest)),
    `${more}\n`,
  ].join('');
}

function computerRecord(name: string, more = ''): string {
  return `dn: CN=${name},CN=Computers,DC=corp,DC=example\nobjectClass: user\nobjectClass: computer\nsAMAccountName: ${name}$\n${more}\n`;
}

/** A FILETIME of 200 days ago: hundreds of nanoseconds since 1601. */
const longAgo = (BigInt(Date.now() - 200 * 86_400_000) + 11_644_473_600_000n) * 10_000n;
const computers = [
  ...Array.from({ length: 20 }, (_, index) => computerRecord(`PC-${index}`)),
  computerRecord('PC-OLD', 'userAccountControl: 4098\n'),
  computerRecord('PC-IDLE', `lastLogonTimestamp: ${longAgo}\n`),
];

const codesOf = ({ findings, certificates }: UserJson) =>
  new Set([...findings, ...certificates.flatMap((each) => each.findings)]);

describe('The advice of audit', () => {
  let folder: string;
  const all = patients();
  const advice = new Map<string, string[]>();
  const failures: string[] = [];
  let left: Map<string, Set<string>>;

  async function audited(...words: string[]) {
    const measure = ['--directory', 'ldif:my users.ldif', '--max-certificates', String(MAX_CERTIFICATES)];
    return await runMsmqCert(['audit', ...measure, ...words], { cwd: folder });
  }

  /** Pastes a line into a shell where msmq-cert is a command. */
  async function paste(line: string): Promise<void> {
    const env = { PATH: `${folder}/bin:/usr/bin:/bin` };
    await promisify(execFile)('sh', ['-c', line], { cwd: folder, env }).catch(({ stderr }) => {
      failures.push(`${line}\n${stderr}`);
    });
  }

  before(async function () {
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-advice-'));
    writeFileSync(join(folder, 'my users.ldif'), [...all.map(userRecord), ...computers].join(''));
    await promisify(execFile)('mkdir', [join(folder, 'bin')]);
    const program = join(folder, 'bin', 'msmq-cert');
    writeFileSync(
      program,
      `#!/bin/sh\nexec ${[process.execPath, main].map((each) => quotedForPosix(each)).join(' ')} "$@"\n`,
    );
    chmodSync(program, 0o700);
    const { stdout } = await audited();
    for (const paragraph of stdout.split('\n\n')) {
      const owner = all.find(({ name }) => paragraph.startsWith(`CORP\\${name}  `));
      if (owner === undefined) continue;
      const lines = paragraph.split('\n').filter((line) => /^ {2}(run|do|then)\b/.test(line));
      advice.set(owner.name, lines);
      for (const line of lines) {
        const [, command] = /^ {2}(?:run|then, [^:]* run): (.*)$/.exec(line) ?? [];
        if (command !== undefined) await paste(command);
      }
    }
    const { users }: { users: UserJson[] } = JSON.parse((await audited('--json', '--all')).stdout);
    left = new Map(users.map((user) => [user.user.replace('CORP\\', ''), codesOf(user)]));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is there for every code', () => {
    assert.deepEqual(new Set(all.flatMap(({ codes }) => codes)), new Set(findingCodes));
  });

  it('has only commands that succeed', () => {
    assert.deepEqual(failures, []);
  });

  const byHand = new Set<string>();
  for (const { name, codes } of all) {
    it(`for ${codes.join(', ')} of ${name} makes it go away, or says what a person must do`, () => {
      const lines = advice.get(name) ?? [];
      assert.notDeepEqual(lines, []);
      const found = left.get(name) ?? new Set();
      if (lines.some((line) => line.startsWith('  do: '))) {
        assert.equal(lines.length, 1);
        assert.match(lines[0] ?? '', new RegExp(`; see docs/findings\\.md#${codes[0]}$`));
        for (const code of codes) byHand.add(code);
      } else {
        for (const code of codes) assert.ok(!found.has(code), `${lines.join('\n')} leaves ${[...found].join(', ')}`);
        assert.ok(!found.has('superseded'));
      }
    });
  }

  it('leaves to people only what no command of ours can do', () => {
    assert.deepEqual(
      byHand,
      new Set([
        ...['digest-shared', 'malformed-blob', 'weak-key', 'weak-signature', 'expiring'],
        ...['near-capacity', 'over-capacity', 'legacy-attributes', 'protected-account'],
      ]),
    );
  });
});
