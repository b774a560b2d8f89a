import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Pair } from '../../src/blob/pair.ts';
import { utf8String } from '../../src/certificate/x509/asn1.ts';
import { ldifAttribute, ldifBinary } from '../../src/directory/ldif/ldif.ts';
import type { AuditSummary, UserJson } from '../../src/inspect/audit/report.ts';
import { commonName, rawElement, unsigned, validity } from '../certificate/support.ts';
import { certificate, expectedCounts, MAX_CERTIFICATES, pairOf, troubles } from '../judge/trouble.ts';
import { runMsmqCert } from './msmq-cert.ts';

interface Document {
  summary: AuditSummary;
  users: UserJson[];
  errors: { user: string | null; code: string; message: string }[];
  notes: string[];
  complete: boolean;
}

function userRecord(name: string, { blob, digests }: Pair, more = ''): string {
  return [
    ldifAttribute('dn', `CN=${name},OU=MQ,DC=corp,DC=example`),
    `objectClass: user\n`,
    ldifAttribute('sAMAccountName', name),
    blob === null ? '' : ldifBinary('mSMQSignCertificates', blob),
    ...digests.map((digest) => ldifBinary('mSMQDigests', digest)),
    `${more}\n`,
  ].join('');
}

function computerRecord(name: string, more = ''): string {
  const dns = `dNSHostName: ${name.toLowerCase()}.corp.example\n`;
  return `dn: CN=${name},CN=Computers,DC=corp,DC=example\nobjectClass: user\nobjectClass: computer\nsAMAccountName: ${name}$\n${dns}${more}\n`;
}

/** A FILETIME: hundreds of nanoseconds since 1601. */
function fileTime(date: Date): string {
  return `${(BigInt(date.getTime()) + 11_644_473_600_000n) * 10_000n}`;
}

const computers = [
  computerRecord('PC-1', 'userAccountControl: 4096\n'),
  computerRecord('PC-OLD', 'userAccountControl: 4098\n'),
  computerRecord('PC-IDLE', `lastLogonTimestamp: ${fileTime(new Date(Date.now() - 200 * 86_400_000))}\n`),
].join('');

describe('msmq-cert audit of an LDIF file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'msmq-cert-'));
    file = join(folder, 'users.ldif');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function audit(ldif: string, ...words: string[]) {
    writeFileSync(file, ldif);
    return await runMsmqCert(['audit', '--directory', `ldif:${file}`, ...words]);
  }

  async function auditJson(ldif: string, ...words: string[]): Promise<Document> {
    const { stdout, stderr } = await audit(ldif, '--json', ...words);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  }

  const sound = pairOf([certificate()]);

  /** One user for each code, and three without a finding. */
  function everyCode() {
    const idle = { code: 'machine-inactive', pair: pairOf([certificate({ commonName: '[CORP/x, PC-IDLE]' })]) };
    const seeded = [...troubles(), idle].map((each, index) => ({ ...each, name: `user${index}`, more: '' }));
    const legacy = { code: 'legacy-attributes', pair: sound, name: 'legacy', more: 'mSMQDigestsMig:: AAAA\n' };
    const guarded = {
      code: 'protected-account',
      pair: pairOf([certificate()]),
      name: 'guarded',
      more: 'adminCount: 1\n',
    };
    const all = [...seeded, legacy, guarded];
    const fine = ['fine', 'empty'].map((name) =>
      userRecord(name, name === 'empty' ? pairOf([]) : pairOf([certificate()])),
    );
    const text = [...all.map(({ name, pair, more }) => userRecord(name, pair, more)), ...fine, computers].join('');
    return { all, text };
  }

  it('finds seeded trouble of every code, each exactly once', async () => {
    const { all, text } = everyCode();
    const { summary, users, complete } = await auditJson(text, '--max-certificates', String(MAX_CERTIFICATES));
    assert.deepEqual(summary.findings, expectedCounts(all));
    assert.equal(Object.keys(summary.findings).length, 21);
    assert.equal(complete, true);
    const found = new Map(
      users.map((user) => [user.user, [...user.findings, ...user.certificates.flatMap((c) => c.findings)]]),
    );
    assert.deepEqual(found, new Map(all.map(({ name, code }) => [`CORP\\${name}`, [code]])));
  });

  it('counts users without findings, and shows them with --all', async () => {
    const text = userRecord('a', sound) + userRecord('b', { blob: null, digests: [] });
    const { summary, users } = await auditJson(text);
    assert.deepEqual(summary, { users: 2, certificates: 1, bytes: sound.blob?.length, findings: {} });
    assert.deepEqual(users, []);
    assert.deepEqual(
      (await auditJson(text, '--all')).users.map(({ user }) => user),
      ['CORP\\a', 'CORP\\b'],
    );
  });

  it('leaves computers, service accounts and migrated users out until they are included', async () => {
    const of = (name: string, objectClass: string) =>
      userRecord(name, { blob: null, digests: [Buffer.alloc(16, name)] }, `objectClass: ${objectClass}\n`);
    const text = [
      of('user', 'person'),
      of('PC$', 'computer'),
      of('gmsa$', 'msDS-GroupManagedServiceAccount').replace('\n\n', '\nobjectClass: computer\n\n'),
      of('old', 'mSMQMigratedUser').replace('objectClass: user\n', ''),
    ].join('');
    const kinds = async (...words: string[]) =>
      (await auditJson(text, ...words)).users.map(({ user, kind }) => [user, kind]);
    assert.deepEqual(await kinds(), [['CORP\\user', 'user']]);
    assert.deepEqual(await kinds('--include', 'computers,managed-service-accounts,migrated-users'), [
      ['CORP\\user', 'user'],
      ['CORP\\PC$', 'computer'],
      ['CORP\\gmsa$', 'managed-service-account'],
      ['CORP\\old', 'migrated-user'],
    ]);
  });

  it('sees a digest shared with an object that is not in scope', async () => {
    const text =
      userRecord('a', sound) + computerRecord('PC-1', ldifBinary('mSMQDigests', sound.digests[0] ?? Buffer.of()));
    assert.deepEqual((await auditJson(text)).summary.findings, { 'digest-shared': 1 });
  });

  it('audits the named users only, and says which name is nobody', async () => {
    const names = join(folder, 'names.txt');
    writeFileSync(names, 'b\nnobody\n');
    const text = userRecord('a', sound) + userRecord('b', { blob: null, digests: [Buffer.alloc(16)] });
    const { summary, users, errors } = await auditJson(text, '--users-from', names);
    assert.deepEqual(
      users.map(({ user }) => user),
      ['CORP\\b'],
    );
    assert.deepEqual(
      errors.map(({ user, code }) => [user, code]),
      [['nobody', 'user-not-found']],
    );
    assert.equal(summary.users, 2);
  });

  it('does not call machines gone when the file has no computers', async () => {
    const { summary, notes } = await auditJson(
      userRecord('a', pairOf([certificate({ commonName: '[CORP/a, PC-1]' })])),
    );
    assert.deepEqual(summary.findings, {});
    assert.match(notes.join(), /no computer account/);
  });

  describe('with bad input', () => {
    const evil = '<script>alert(1)</script>\u202e\u0007\u001b]0;x\u0007=cmd|calc';
    const names = (value: string) => ({
      subject: commonName(utf8String(value)),
      issuer: commonName(utf8String(value)),
    });
    const when = (from: string, to: string) =>
      validity(rawElement(0x18, Buffer.from(from)), rawElement(0x18, Buffer.from(to)));

    function badUsers(): string {
      const foreign = [
        Buffer.from('#!/bin/sh\nrm -rf /\n'),
        Buffer.alloc(1_048_576, 0x41),
        Buffer.alloc(1_048_576),
        Buffer.of(),
        Buffer.of(255, 255, 255, 255),
      ];
      const certificates = [
        unsigned(names(evil)),
        unsigned({ validity: when('00010101000000Z', '99991231235959Z') }),
        unsigned({ validity: when('19500101000000Z', '19690101000000Z') }),
        unsigned(names('=1+1')),
      ];
      return [
        ...foreign.map((blob, index) => userRecord(`foreign${index}`, { blob, digests: [] })),
        ...certificates.map((each, index) => userRecord(`odd${index}`, pairOf([each]))),
        userRecord('two-blobs', sound, ldifBinary('mSMQSignCertificates', Buffer.of(1))),
        userRecord('bad-base64', { blob: null, digests: [] }, 'mSMQSignCertificates:: !!!\n'),
        userRecord('bad-sid', { blob: null, digests: [] }, 'objectSid:: AAAA\n'),
        userRecord('ranges', { blob: null, digests: [] }, 'mSMQDigests;range=5-*:: AAAA\n'),
        userRecord('=SUM(A1)', { blob: null, digests: [Buffer.alloc(16)] }),
      ].join('');
    }

    it('reports all of it and drops nothing from the counts', async () => {
      const { summary, users, errors } = await auditJson(badUsers());
      assert.equal(summary.users, 14);
      assert.equal(summary.findings['malformed-blob'], 5);
      assert.equal(summary.certificates, 4);
      assert.equal(users.length, 10);
      const unread = errors.filter(({ code }) => code !== 'malformed-blob').map(({ user }) => user);
      assert.deepEqual(
        unread.map((dn) => /^CN=([^,]+)/.exec(dn ?? '')?.[1]),
        ['two-blobs', 'bad-base64', 'bad-sid', 'ranges'],
      );
    });

    it('lets nothing act on the terminal', async () => {
      const { stdout, stderr, code } = await audit(badUsers(), '--all');
      assert.equal(code, 1);
      assert.doesNotMatch(stdout + stderr, /(?!\n)[\p{Cc}\p{Cf}]/u);
    });

    for (const delimiter of [',', ';', '\t']) {
      it(`lets no cell of the CSV become a formula in a list with ${JSON.stringify(delimiter)}`, async () => {
        const csv = join(folder, 'findings.csv');
        const tricks = [
          '=SUM(A1)',
          'a;=cmd|calc',
          'a\t=cmd|calc',
          '";=cmd',
          'a,"+1+1',
          'a; @SUM(1)',
          'a;\uff1dcmd',
          '-1+1',
          '+1',
        ];
        const tricked = tricks.map((name) => userRecord(name, { blob: null, digests: [Buffer.alloc(16)] }));
        const certified = tricks.map((name, index) =>
          userRecord(`certified${index}`, pairOf([certificate({ commonName: name, endsIn: -1 })])),
        );
        await audit(badUsers() + tricked.join('') + certified.join(''), '--csv', csv, '--quiet');
        const text = readFileSync(csv, 'utf8');
        const rows: string[][] = parse(text, {
          delimiter,
          relax_quotes: true,
          relax_column_count: true,
          quote: delimiter === ',' ? '"' : null,
        });
        assert.ok(rows.length > 25);
        for (const cell of rows.flat()) assert.doesNotMatch(cell, /^[\s"]*[=+@\r\uff1d-]/, cell);
      });
    }

    it('neither foresees nor follows what somebody planted beside the CSV', async () => {
      const csv = join(folder, 'findings.csv');
      const victim = join(folder, 'victim');
      writeFileSync(victim, 'precious');
      symlinkSync(victim, csv);
      await audit(badUsers(), '--csv', csv, '--quiet');
      assert.equal(readFileSync(victim, 'utf8'), 'precious');
      assert.match(readFileSync(csv, 'utf8'), /^user,kind,/);
      assert.deepEqual(readdirSync(folder).sort(), ['findings.csv', 'users.ldif', 'victim']);
    });
  });

  it('prints one user a line with --ndjson', async () => {
    const { stdout, stderr, code } = await audit(everyCode().text, '--ndjson');
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const summary = documents.pop();
    const users: UserJson[] = documents;
    assert.equal(code, 0);
    assert.ok(
      users.length > 15 && users.every(({ user, findings }) => user.startsWith('CORP\\') && Array.isArray(findings)),
    );
    assert.equal(summary.summary.users, 24);
    assert.equal(stderr, '');
  });

  it('links findings to commands', async () => {
    const { stdout } = await audit(userRecord('alice', { blob: null, digests: [Buffer.alloc(16)] }));
    assert.match(stdout, /^CORP\\alice {2}0 certificates, 0 bytes {2}digest-orphan$/m);
    assert.match(stdout, /^ {2}run: msmq-cert repair 'CORP\\alice' --directory ldif:\S+$/m);
  });

  it('never offers a command with a name that a shell could take for more', async () => {
    const { stdout } = await audit(
      userRecord('$(reboot)', { blob: null, digests: [Buffer.alloc(16)] }, 'objectSid: S-1-5-21-1-2-3-4\n'),
    );
    assert.match(stdout, /run: msmq-cert repair 'CORP\\\$\(reboot\)' /m);
  });

  it('fails on the findings that a pipeline names', async () => {
    const text = userRecord('a', { blob: null, digests: [Buffer.alloc(16)] });
    const code = async (...words: string[]) => (await audit(text, '--quiet', ...words)).code;
    assert.equal(await code(), 0);
    assert.equal(await code('--fail-on', 'expired,digest-missing'), 0);
    assert.equal(await code('--fail-on', 'expired,digest-orphan'), 1);
    assert.equal(await code('--fail-on', 'any'), 1);
    assert.equal(await code('--fail-on', 'nonsense'), 2);
    assert.equal(await code('--include', 'printers'), 2);
    assert.equal(await code('--filter', '(cn=a)'), 2);
  });

  it('says in the document that the file broke off, and leaves no table behind', async () => {
    const csv = join(folder, 'findings.csv');
    const text = `${userRecord('a', { blob: null, digests: [Buffer.alloc(16)] })}nonsense: without a dn\n`;
    const { stdout, code } = await audit(text, '--json', '--csv', csv);
    const document = JSON.parse(stdout);
    assert.equal(code, 2);
    assert.equal(document.error?.code ?? document.errors.at(-1)?.code, 'invalid-ldif');
    assert.equal(existsSync(csv), false);
  });
});
