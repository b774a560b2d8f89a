import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ldifAttribute, ldifBinary } from '../../src/directory/ldif/ldif.ts';
import type { AuditReport } from '../../src/inspect/audit/report.ts';
import { certificate, pairOf } from '../judge/trouble.ts';
import { runMsmqCert } from './msmq-cert.ts';

describe('msmq-cert audit --html of an LDIF file', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'msmq-cert-audit-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  async function reportOf(ldif: string, ...words: string[]): Promise<AuditReport> {
    const [file, html] = [join(folder, 'users.ldif'), join(folder, 'report.html')];
    await writeFile(file, ldif);
    await runMsmqCert(['audit', '--directory', `ldif:${file}`, '--html', html, '--quiet', ...words]);
    const page = await readFile(html, 'utf8');
    return JSON.parse(/<script type="application\/json" id="data">([^<]*)</.exec(page)?.[1] ?? '');
  }

  function userRecord(name: string, attributes: string): string {
    return `dn: CN=${name},OU=MQ,DC=corp,DC=example\nobjectClass: user\n${ldifAttribute('sAMAccountName', name)}${attributes}\n`;
  }

  function withCertificates(name: string, ...certificates: Buffer[]): string {
    const { blob, digests } = pairOf(certificates);
    assert(blob !== null);
    const values = digests.map((digest) => ldifBinary('mSMQDigests', digest)).join('');
    return userRecord(name, ldifBinary('mSMQSignCertificates', blob) + values);
  }

  it('says what it was made from, and leaves out of the users read whom it could not read', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    const ldif = [
      withCertificates('alice', certificate()),
      userRecord('bob', ''),
      userRecord('mallory', ldifBinary('mSMQSignCertificates', Buffer.from('WScript.Echo'))),
    ].join('');
    const { origin, summary } = await reportOf(ldif, '--base-dn', 'OU=MQ,DC=corp,DC=example', '--include', 'computers');
    assert.deepEqual(origin, {
      directory: join(folder, 'users.ldif'),
      baseDn: 'OU=MQ,DC=corp,DC=example',
      account: null,
      scope: 'every user, computers',
      toolVersion: version,
      usersRead: 2,
    });
    assert.equal(summary.users, 3);
    const all = await reportOf(ldif);
    assert.deepEqual([all.origin.baseDn, all.origin.scope], [null, 'every user']);
  });

  it('carries what helps each user, with the findings that it is for, each command once', async () => {
    const ended = (machine: string) => certificate({ commonName: `[CORP/alice, ${machine}]`, endsIn: -1 });
    const ldif = [
      withCertificates('alice', ended('PC-1'), ended('PC-2'), ended('PC-GONE')),
      'dn: CN=PC-1,DC=corp,DC=example\nobjectClass: user\nobjectClass: computer\nsAMAccountName: PC-1$\n\n',
      'dn: CN=PC-2,DC=corp,DC=example\nobjectClass: user\nobjectClass: computer\nsAMAccountName: PC-2$\n\n',
      userRecord('bob', 'mSMQDigestsMig:: AAAA\n'),
    ].join('');
    const { users } = await reportOf(ldif);
    const file = join(folder, 'users.ldif');
    const [alice, bob] = users.map(({ remedies }) => remedies);
    assert.deepEqual(
      alice?.map((remedy) => [remedy.kind === 'run' && remedy.command.split(' ').slice(3).join(' '), remedy.findings]),
      [
        [`--broken --machine PC-1 --machine PC-2 --directory ldif:${file}`, ['expired']],
        [`--machine-gone --yes --directory ldif:${file}`, ['expired', 'machine-gone']],
      ],
    );
    assert.deepEqual(bob, [
      { kind: 'read', section: 'docs/findings.md#legacy-attributes', findings: ['legacy-attributes'] },
    ]);
  });
});
